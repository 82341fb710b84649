-- People, with what their assignment has given them. `email_export` is absent in phase LEGACY;
-- `email_export_since` is absent for "always", and while the setting is not EXPORT.
-- `legacy_email_export` is the old setting that is bound to the member; it stays after the migration.
CREATE TABLE members (
    organization_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    email text COLLATE "C" NOT NULL,
    given_name text NOT NULL,
    family_name text NOT NULL,
    job_title text NOT NULL,
    manager_email text,
    active boolean NOT NULL,
    assignment_id text COLLATE "C" NOT NULL,
    settings_id uuid NOT NULL,
    email_export text,
    email_export_since timestamptz,
    email_export_source text,
    legacy_email_export boolean,
    updated_revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT members_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT members_assignment FOREIGN KEY (organization_id, assignment_id) REFERENCES assignments (organization_id, id),
    CONSTRAINT members_settings FOREIGN KEY (organization_id, settings_id) REFERENCES settings (organization_id, id),
    CONSTRAINT members_email_export CHECK (email_export IN ('EXPORT', 'DO_NOT_EXPORT')),
    CONSTRAINT members_email_export_since CHECK (email_export_since IS NULL OR email_export = 'EXPORT'),
    CONSTRAINT members_email_export_source CHECK (email_export_source IN ('ASSIGNMENT', 'EDITED_BY_HAND', 'MIGRATION')),
    CONSTRAINT members_email_export_has_source CHECK ((email_export IS NULL) = (email_export_source IS NULL))
);
