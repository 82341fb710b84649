-- Binds old settings to members. Members whose old setting stays the same are not written.
UPDATE members AS m
SET legacy_email_export = u.email_export, updated_revision = $4, updated_at = $5
FROM unnest($2::text [], $3::boolean []) AS u (id, email_export)
WHERE m.organization_id = $1 AND m.id = u.id AND m.legacy_email_export IS DISTINCT FROM u.email_export
RETURNING m.id
