-- One bundle of settings for each organization that has none.
INSERT INTO settings (
    organization_id, id, seats, home_workspace, permissions, web_conferences_recorded,
    prevent_web_conference_recording, telephony_calls_imported, emails_imported, prevent_email_import,
    non_recorded_meetings_imported, gong_connect_enabled
)
SELECT
    o.id, '00000000-0000-0000-0000-000000000000', '{engage,forecast,gong}', 'emea', '{"emea": "manager"}', TRUE,
    FALSE, TRUE, TRUE, FALSE, FALSE, FALSE
FROM organizations AS o
WHERE NOT EXISTS (SELECT 1 FROM settings AS s WHERE s.organization_id = o.id)
