-- The history of members who are all new under revision $2.
INSERT INTO member_changes (
    organization_id, member_id, revision, cause, assignment_after, settings_after,
    email_export_after, email_export_since_after, email_export_source_after
)
SELECT
    organization_id, id, $2, 'ENTERED_ASSIGNMENT', assignment_id, settings_id,
    email_export, email_export_since, email_export_source
FROM members
WHERE organization_id = $1 AND updated_revision = $2
