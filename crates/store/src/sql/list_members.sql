-- At most $4 members after the id $3, in byte order of their ids: the members of the assignment $2, those with the ids $5,
-- or all. The pin is found for each member (LATERAL): the planner would estimate a join from statistics,
-- which may not contain any pins.
SELECT
    m.id,
    m.email,
    m.given_name,
    m.family_name,
    m.job_title,
    m.manager_email,
    m.active,
    m.assignment_id,
    m.settings_id,
    m.email_export,
    m.email_export_since,
    m.email_export_source,
    m.updated_revision,
    m.created_at,
    m.updated_at,
    p.assignment_id AS pin_assignment,
    p.actor AS pin_actor,
    p.reason AS pin_reason,
    p.pinned_at,
    array(
        SELECT ms.group_id FROM memberships AS ms
        WHERE ms.organization_id = $1 AND ms.member_id = m.id
        ORDER BY ms.group_id
    ) AS groups
FROM members AS m
LEFT JOIN LATERAL (
    SELECT * FROM pins AS p
    WHERE p.organization_id = $1 AND p.member_id = m.id
    LIMIT 1
) AS p ON TRUE
WHERE
    m.organization_id = $1
    AND ($2::text IS NULL OR m.assignment_id = $2)
    AND m.id > $3
    AND ($5::text [] IS NULL OR m.id = any($5))
ORDER BY m.id
LIMIT $4
