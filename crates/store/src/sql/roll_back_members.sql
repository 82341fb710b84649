-- Removes the own setting of every member. The old settings decide again.
UPDATE members AS m
SET
    email_export = NULL,
    email_export_since = NULL,
    email_export_source = NULL,
    updated_revision = $2,
    updated_at = $3
WHERE m.organization_id = $1
