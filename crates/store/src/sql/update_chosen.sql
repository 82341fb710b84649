-- The value that counts as chosen on each assignment after the migration; null where the active members differ.
UPDATE assignments AS a
SET email_export = c.email_export, updated_revision = $4, updated_at = $5
FROM unnest($2::text [], $3::text []) AS c (id, email_export)
WHERE a.organization_id = $1 AND a.id = c.id
