-- Whether the assignments $2 have fewer members than the groups $3. At most $4 of each are counted. The order lets Postgres
-- read an index, and stop after $4 entries.
SELECT of_assignments.members < of_groups.members AS is_smaller
FROM (
    SELECT count(*) AS members
    FROM (
        SELECT inside.id
        FROM unnest($2::text []) AS a (id)
        CROSS JOIN LATERAL (
            SELECT m.id FROM members AS m
            WHERE m.organization_id = $1 AND m.assignment_id = a.id
            ORDER BY m.id
            LIMIT $4
        ) AS inside
        LIMIT $4
    ) AS counted
) AS of_assignments
CROSS JOIN (
    SELECT count(*) AS members
    FROM (
        SELECT inside.member_id
        FROM unnest($3::text []) AS g (id)
        CROSS JOIN LATERAL (
            SELECT ms.member_id FROM memberships AS ms
            WHERE ms.organization_id = $1 AND ms.group_id = g.id
            ORDER BY ms.member_id
            LIMIT $4
        ) AS inside
        LIMIT $4
    ) AS counted
) AS of_groups
