-- One customer company (product.md 1). Locking its row serializes the organization's writes;
-- `revision` counts them, and `last_write_at` keeps their time from going backwards.
CREATE TABLE organizations (
    id text COLLATE "C" NOT NULL,
    uid uuid NOT NULL,
    display_name text NOT NULL,
    phase text NOT NULL,
    mass_change_members integer NOT NULL,
    mass_change_percent integer NOT NULL,
    catalog jsonb NOT NULL,
    catalog_revision bigint NOT NULL,
    revision bigint NOT NULL,
    updated_revision bigint NOT NULL,
    last_write_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT organizations_pkey PRIMARY KEY (id),
    CONSTRAINT organizations_phase CHECK (phase IN ('LEGACY', 'MIGRATED'))
);
