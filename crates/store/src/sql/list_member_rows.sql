-- The team members CSV: members after $2 in byte order of their ids, at most $3. Inactive members
-- hold no seats. Assignments and settings are looked up member by member: joined, they would first be
-- paired with each other where statistics know of few.
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
CROSS JOIN LATERAL (
    SELECT * FROM assignments AS a
    WHERE a.organization_id = $1 AND a.id = m.assignment_id
    LIMIT 1
) AS a
CROSS JOIN LATERAL (
    SELECT * FROM settings AS s
    WHERE s.organization_id = $1 AND s.id = m.settings_id
    LIMIT 1
) AS s
WHERE m.organization_id = $1 AND m.id > $2
ORDER BY m.id
LIMIT $3
