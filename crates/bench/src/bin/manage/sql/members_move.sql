-- The members of revision $2's history get what it says, at $3.
UPDATE members AS m
SET
    assignment_id = c.assignment_after,
    settings_id = c.settings_after,
    email_export = c.email_export_after,
    email_export_since = NULL,
    email_export_source = c.email_export_source_after,
    updated_revision = $2,
    updated_at = $3
FROM member_changes AS c
WHERE m.organization_id = $1 AND c.organization_id = $1 AND c.revision = $2 AND m.id = c.member_id
