-- The value $4 for the members of assignment $3 under revision $2; a period of EXPORT that is under way goes on.
UPDATE members
SET
    email_export = $4,
    email_export_since
    = CASE WHEN $4 <> 'EXPORT' THEN NULL WHEN email_export = 'EXPORT' THEN email_export_since ELSE $5 END,
    email_export_source = 'ASSIGNMENT',
    updated_revision = $2,
    updated_at = $5
WHERE organization_id = $1 AND assignment_id = $3
