-- How many rows of the directory as it came are not as they are stored, or the other way round.
SELECT
    (
        SELECT count(*)
        FROM came_members AS c
        FULL JOIN (SELECT * FROM members WHERE organization_id = $1) AS m ON c.id = m.id
        WHERE
            (c.id, c.email, c.given_name, c.family_name, c.job_title, c.manager_email, c.active)
            IS DISTINCT FROM (m.id, m.email, m.given_name, m.family_name, m.job_title, m.manager_email, m.active)
    ) + (
        SELECT count(*)
        FROM came_groups AS c
        FULL JOIN (SELECT * FROM groups WHERE organization_id = $1) AS g ON c.id = g.id
        WHERE (c.id, c.display_name, TRUE) IS DISTINCT FROM (g.id, g.display_name, g.present)
    ) + (
        SELECT count(*)
        FROM came_memberships AS c
        FULL JOIN (SELECT * FROM memberships WHERE organization_id = $1) AS ms
            ON c.member_id = ms.member_id AND c.group_id = ms.group_id
        WHERE c.member_id IS NULL OR ms.member_id IS NULL
    ) AS differences
