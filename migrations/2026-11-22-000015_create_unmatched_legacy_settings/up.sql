-- Old settings whose address no member has had yet (product.md 7.3).
CREATE TABLE unmatched_legacy_settings (
    organization_id text COLLATE "C" NOT NULL,
    email text COLLATE "C" NOT NULL,
    email_export boolean NOT NULL,
    imported_at timestamptz NOT NULL,
    CONSTRAINT unmatched_legacy_settings_pkey PRIMARY KEY (organization_id, email),
    CONSTRAINT unmatched_legacy_settings_organization FOREIGN KEY (organization_id) REFERENCES organizations (id)
);
