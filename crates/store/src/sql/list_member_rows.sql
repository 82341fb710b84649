-- The team members CSV: up to $3 members after $2, in byte order of their ids. The assignment is a LATERAL with a
-- limit: where statistics know few members, the planner would otherwise join all of them with all assignments first.
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
    a.display_name AS assignment_name,
    a.rank AS assignment_rank,
    a.update_mode
FROM members AS m
CROSS JOIN LATERAL (
    SELECT * FROM assignments AS a
    WHERE a.organization_id = $1 AND a.id = m.assignment_id
    LIMIT 1
) AS a
WHERE m.organization_id = $1 AND m.id > $2
ORDER BY m.id
LIMIT $3
