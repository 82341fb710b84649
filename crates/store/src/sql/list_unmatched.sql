-- The old settings that wait for a member with one of the addresses $2.
SELECT u.email, u.email_export
FROM unmatched_legacy_settings AS u
WHERE u.organization_id = $1 AND u.email = any($2::text [])
