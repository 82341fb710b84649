-- The ordered list (product.md 2). The default assignment is the row with the id `default`; its
-- rank is always the last. Ranks change in one UPDATE under the deferrable constraint.
-- `email_export` is the chosen value; absent while nobody has chosen, and in phase LEGACY.
CREATE TABLE assignments (
    organization_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    uid uuid NOT NULL,
    display_name text NOT NULL,
    rank integer NOT NULL,
    update_mode text NOT NULL,
    settings_id uuid NOT NULL,
    email_export text,
    updated_revision bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT assignments_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT assignments_rank UNIQUE (organization_id, rank) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT assignments_organization FOREIGN KEY (organization_id) REFERENCES organizations (id),
    CONSTRAINT assignments_settings FOREIGN KEY (organization_id, settings_id) REFERENCES settings (organization_id, id),
    CONSTRAINT assignments_update_mode CHECK (update_mode IN ('MANUAL_EDITING', 'AUTOMATIC_UPDATES')),
    CONSTRAINT assignments_email_export CHECK (email_export IN ('EXPORT', 'DO_NOT_EXPORT'))
);
