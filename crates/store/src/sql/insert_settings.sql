-- Inserts settings unless they exist. Settings are immutable, and the same content has the same id.
INSERT INTO settings (
    organization_id, id, seats, home_workspace, permissions,
    web_conferences_recorded, prevent_web_conference_recording, telephony_calls_imported,
    emails_imported, prevent_email_import, non_recorded_meetings_imported, gong_connect_enabled
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (organization_id, id) DO NOTHING
