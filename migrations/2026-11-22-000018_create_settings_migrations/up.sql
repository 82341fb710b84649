-- How far each organization's settings migration is, with its proof (product.md 7). An
-- organization without a row is pending, or was created migrated.
CREATE TABLE settings_migrations (
    organization_id text COLLATE "C" NOT NULL,
    state text NOT NULL,
    failure text,
    proof jsonb,
    outcomes jsonb NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT settings_migrations_pkey PRIMARY KEY (organization_id),
    CONSTRAINT settings_migrations_organization FOREIGN KEY (organization_id) REFERENCES organizations (id),
    CONSTRAINT settings_migrations_state CHECK (state IN ('MIGRATED', 'FAILED', 'ROLLED_BACK'))
);
