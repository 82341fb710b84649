-- Bundles of settings by a hash of their content: members and assignments that have the same
-- share one row, which never changes.
CREATE TABLE settings (
    organization_id text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    seats text [] NOT NULL,
    home_workspace text,
    permissions jsonb NOT NULL,
    web_conferences_recorded boolean NOT NULL,
    prevent_web_conference_recording boolean NOT NULL,
    telephony_calls_imported boolean NOT NULL,
    emails_imported boolean NOT NULL,
    prevent_email_import boolean NOT NULL,
    non_recorded_meetings_imported boolean NOT NULL,
    gong_connect_enabled boolean NOT NULL,
    CONSTRAINT settings_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT settings_organization FOREIGN KEY (organization_id) REFERENCES organizations (id)
);
