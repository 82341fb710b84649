-- Stores old settings that wait for a member with their address. A newer import replaces the earlier setting.
INSERT INTO unmatched_legacy_settings (organization_id, email, email_export, imported_at)
SELECT $1, u.email, u.email_export, $4
FROM unnest($2::text [], $3::boolean []) AS u (email, email_export)
ON CONFLICT (organization_id, email) DO UPDATE SET
email_export = excluded.email_export,
imported_at = excluded.imported_at
