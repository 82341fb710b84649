-- What decides about the emails of up to $3 members after $2, in byte order of their ids.
SELECT
    m.id,
    m.assignment_id,
    m.active,
    m.email_export,
    m.email_export_since,
    m.email_export_source,
    m.legacy_email_export
FROM members AS m
WHERE m.organization_id = $1 AND m.id > $2
ORDER BY m.id
LIMIT $3
