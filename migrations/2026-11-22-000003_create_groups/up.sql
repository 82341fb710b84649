-- Groups of the identity provider. One that a full sync no longer has stays, not present, so
-- that assignments can keep naming it (product.md 6).
CREATE TABLE groups (
    organization_id text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    display_name text NOT NULL,
    present boolean NOT NULL,
    CONSTRAINT groups_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT groups_organization FOREIGN KEY (organization_id) REFERENCES organizations (id)
);
