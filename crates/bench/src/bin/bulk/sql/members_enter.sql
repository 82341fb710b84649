-- The members of group $3 enter assignment $4 with settings $5 and without export under revision $2.
UPDATE members AS m
SET
    assignment_id = $4,
    settings_id = $5,
    email_export = 'DO_NOT_EXPORT',
    email_export_since = NULL,
    email_export_source = 'ASSIGNMENT',
    updated_revision = $2,
    updated_at = $6
FROM memberships AS ms
WHERE m.organization_id = $1 AND ms.organization_id = $1 AND ms.group_id = $3 AND m.id = ms.member_id
