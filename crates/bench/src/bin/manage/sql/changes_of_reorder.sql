-- The history of the members whom the order as it is now puts elsewhere, under revision $2.
INSERT INTO member_changes (
    organization_id, member_id, revision, cause, assignment_before, assignment_after, settings_before, settings_after,
    email_export_before, email_export_after, email_export_since_before, email_export_source_before,
    email_export_source_after
)
SELECT
    $1, m.id, $2, 'ENTERED_ASSIGNMENT', m.assignment_id, a.id, m.settings_id, a.settings_id,
    m.email_export, a.email_export, m.email_export_since, m.email_export_source, 'ASSIGNMENT'
FROM (
    SELECT ms.member_id, min(listed.rank) AS rank
    FROM memberships AS ms
    INNER JOIN assignment_groups AS ag ON ag.organization_id = $1 AND ms.group_id = ag.group_id
    INNER JOIN assignments AS listed ON listed.organization_id = $1 AND ag.assignment_id = listed.id
    WHERE ms.organization_id = $1
    GROUP BY ms.member_id
) AS resolved
INNER JOIN assignments AS a ON a.organization_id = $1 AND resolved.rank = a.rank
INNER JOIN members AS m ON m.organization_id = $1 AND resolved.member_id = m.id
WHERE m.assignment_id <> a.id
