-- The history of the members of group $3, who enter assignment $4 with settings $5 and without export under revision $2.
INSERT INTO member_changes (
    organization_id, member_id, revision, cause, assignment_before, assignment_after, settings_before, settings_after,
    email_export_before, email_export_after, email_export_since_before, email_export_source_before,
    email_export_source_after
)
SELECT
    m.organization_id, m.id, $2, 'ENTERED_ASSIGNMENT', m.assignment_id, $4, m.settings_id, $5,
    m.email_export, 'DO_NOT_EXPORT', m.email_export_since, m.email_export_source, 'ASSIGNMENT'
FROM members AS m
INNER JOIN memberships AS ms ON m.organization_id = ms.organization_id AND m.id = ms.member_id
WHERE m.organization_id = $1 AND ms.group_id = $3
