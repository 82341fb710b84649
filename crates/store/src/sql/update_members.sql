-- Writes what members have after a plan.
UPDATE members AS m
SET
    assignment_id = c.assignment_id,
    settings_id = c.settings_id,
    email_export = c.email_export,
    email_export_since = c.email_export_since,
    email_export_source = c.email_export_source,
    updated_revision = $8,
    updated_at = $9
FROM unnest($2::text [], $3::text [], $4::uuid [], $5::text [], $6::timestamptz [], $7::text [])
    AS c (id, assignment_id, settings_id, email_export, email_export_since, email_export_source)
WHERE m.organization_id = $1 AND m.id = c.id
