-- The own setting of every member, as it was written.
SELECT m.id, m.email_export, m.email_export_since, m.email_export_source
FROM members AS m
WHERE m.organization_id = $1
ORDER BY m.id
