-- The history of the members of assignment $3, for whom $4 is chosen under revision $2.
INSERT INTO member_changes (
    organization_id, member_id, revision, cause, assignment_before, assignment_after, settings_before, settings_after,
    email_export_before, email_export_after, email_export_since_before, email_export_since_after,
    email_export_source_before, email_export_source_after
)
SELECT
    organization_id, id, $2, 'ASSIGNMENT_EDITED', assignment_id, assignment_id, settings_id, settings_id,
    email_export, $4, email_export_since,
    CASE WHEN $4 <> 'EXPORT' THEN NULL WHEN email_export = 'EXPORT' THEN email_export_since ELSE $5 END,
    email_export_source, 'ASSIGNMENT'
FROM members
WHERE organization_id = $1 AND assignment_id = $3
