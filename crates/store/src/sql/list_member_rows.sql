-- The team members CSV: members after $2 in byte order of their ids, at most $3. Inactive members
-- hold no seats.
SELECT
    m.id AS member,
    m.email,
    m.given_name,
    m.family_name,
    m.job_title,
    m.manager_email,
    m.active,
    m.assignment_id AS assignment,
    a.display_name AS assignment_name,
    a.rank AS assignment_rank,
    a.update_mode,
    CASE WHEN m.active THEN s.seats ELSE '{}' END AS seats,
    array[
        s.web_conferences_recorded, s.prevent_web_conference_recording, s.telephony_calls_imported,
        s.emails_imported, s.prevent_email_import, s.non_recorded_meetings_imported, s.gong_connect_enabled
    ] AS data_capture,
    s.home_workspace,
    s.permissions,
    m.email_export,
    m.email_export_since,
    m.email_export_source
FROM members AS m
INNER JOIN assignments AS a ON m.organization_id = a.organization_id AND m.assignment_id = a.id
INNER JOIN settings AS s ON m.organization_id = s.organization_id AND m.settings_id = s.id
WHERE m.organization_id = $1 AND m.id > $2
ORDER BY m.id
LIMIT $3
