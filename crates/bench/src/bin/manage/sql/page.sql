-- Members after $2 with everything that is shown of them, at most $3.
SELECT
    m.id,
    m.email,
    m.given_name,
    m.family_name,
    m.job_title,
    m.manager_email,
    m.active,
    m.assignment_id,
    m.email_export,
    m.email_export_since,
    m.email_export_source,
    m.updated_revision,
    m.created_at,
    m.updated_at,
    p.assignment_id AS pin,
    p.actor,
    p.reason,
    p.pinned_at,
    s.*,
    array(
        SELECT ms.group_id FROM memberships AS ms
        WHERE ms.organization_id = $1 AND ms.member_id = m.id
        ORDER BY ms.group_id
    ) AS groups
FROM members AS m
INNER JOIN settings AS s ON s.organization_id = $1 AND m.settings_id = s.id
LEFT JOIN pins AS p ON p.organization_id = $1 AND m.id = p.member_id
WHERE m.organization_id = $1 AND m.id > $2
ORDER BY m.id
LIMIT $3
