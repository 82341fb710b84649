-- The list in evaluation order, each assignment with its groups and its settings.
SELECT
    a.id,
    a.uid,
    a.display_name,
    a.update_mode,
    a.email_export,
    a.updated_revision,
    a.created_at,
    a.updated_at,
    coalesce(g.groups, '{}') AS groups,
    s.seats,
    s.home_workspace,
    s.permissions,
    s.web_conferences_recorded,
    s.prevent_web_conference_recording,
    s.telephony_calls_imported,
    s.emails_imported,
    s.prevent_email_import,
    s.non_recorded_meetings_imported,
    s.gong_connect_enabled
FROM assignments AS a
INNER JOIN settings AS s ON a.organization_id = s.organization_id AND a.settings_id = s.id
LEFT JOIN (
    SELECT
        ag.assignment_id,
        array_agg(ag.group_id) AS groups
    FROM assignment_groups AS ag
    WHERE ag.organization_id = $1
    GROUP BY ag.assignment_id
) AS g ON a.id = g.assignment_id
WHERE a.organization_id = $1
ORDER BY a.rank
