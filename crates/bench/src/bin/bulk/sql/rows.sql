-- How many rows an organization has in each table, and a hash of what both sides must have alike. Times differ; of the
-- audit the length of a sync's document stands for it.
SELECT
    'organizations' AS name,
    count(*) AS rows,
    sum(hashtextextended(concat_ws('|', phase, revision, updated_revision), 0))::text AS hash
FROM organizations WHERE id = $1
UNION ALL
SELECT 'assignments', count(*), sum(hashtextextended(concat_ws(
    '|', id, display_name, rank, update_mode, settings_id, email_export, updated_revision
), 0))::text
FROM assignments WHERE organization_id = $1
UNION ALL
SELECT 'assignment_groups', count(*), sum(hashtextextended(concat_ws('|', assignment_id, group_id), 0))::text
FROM assignment_groups WHERE organization_id = $1
UNION ALL
SELECT 'groups', count(*), sum(hashtextextended(concat_ws('|', id, display_name, present), 0))::text
FROM groups WHERE organization_id = $1
UNION ALL
SELECT 'members', count(*), sum(hashtextextended(concat_ws(
    '|', id, email, given_name, family_name, job_title, manager_email, active, assignment_id, settings_id,
    email_export, email_export_since IS NULL, email_export_source, legacy_email_export, updated_revision
), 0))::text
FROM members WHERE organization_id = $1
UNION ALL
SELECT 'memberships', count(*), sum(hashtextextended(concat_ws('|', member_id, group_id), 0))::text
FROM memberships WHERE organization_id = $1
UNION ALL
SELECT 'member_changes', count(*), sum(hashtextextended(concat_ws(
    '|', member_id, revision, cause, assignment_before, assignment_after, settings_before, settings_after,
    coalesce(email_export_before, '-'), coalesce(email_export_after, '-'),
    email_export_since_before IS NULL, email_export_since_after IS NULL,
    coalesce(email_export_source_before, '-'), coalesce(email_export_source_after, '-')
), 0))::text
FROM member_changes WHERE organization_id = $1
UNION ALL
SELECT 'audit_events', count(*), sum(hashtextextended(concat_ws(
    '|', revision, method, resource, members_changed,
    CASE WHEN method = 'SyncDirectory' THEN coalesce(length(after::text), (
        SELECT sum(length(p.part)) FROM audit_document_parts AS p
        WHERE p.organization_id = $1 AND p.revision = e.revision AND p.is_after
    )) END
), 0))::text
FROM audit_events AS e WHERE organization_id = $1
ORDER BY name
