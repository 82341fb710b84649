-- Who changed what, when, before and after: one row for each revision.
CREATE TABLE audit_events (
    organization_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    actor text NOT NULL,
    method text NOT NULL,
    resource text NOT NULL,
    trace_id text,
    members_changed integer NOT NULL,
    before json,
    after json,
    CONSTRAINT audit_events_pkey PRIMARY KEY (organization_id, revision),
    CONSTRAINT audit_events_organization FOREIGN KEY (organization_id) REFERENCES organizations (id)
);
