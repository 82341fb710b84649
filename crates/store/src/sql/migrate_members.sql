-- Every old setting becomes the own setting of its member.
UPDATE members AS m
SET
    email_export = c.email_export,
    email_export_since = c.email_export_since,
    email_export_source = $5,
    updated_revision = $6,
    updated_at = $7
FROM unnest($2::text [], $3::text [], $4::timestamptz []) AS c (id, email_export, email_export_since)
WHERE m.organization_id = $1 AND m.id = c.id
