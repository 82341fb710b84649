-- The history of a migration, under revision $2: every member got a setting.
INSERT INTO member_changes (
    organization_id, member_id, revision, cause, assignment_before, assignment_after, settings_before, settings_after,
    email_export_after, email_export_since_after, email_export_source_after
)
SELECT
    m.organization_id, m.id, $2, $3, m.assignment_id, m.assignment_id, m.settings_id, m.settings_id,
    m.email_export, m.email_export_since, m.email_export_source
FROM members AS m
WHERE m.organization_id = $1
