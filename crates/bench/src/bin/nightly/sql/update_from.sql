-- The old settings of organization $1 become its members' own: what the migration comes down to, without history, proof
-- and audit.
UPDATE members AS m
SET
    email_export = CASE WHEN m.legacy_email_export THEN 'EXPORT' ELSE 'DO_NOT_EXPORT' END,
    email_export_source = 'MIGRATION',
    updated_revision = o.revision + 1,
    updated_at = clock_timestamp()
FROM organizations AS o
WHERE o.id = $1 AND m.organization_id = o.id
