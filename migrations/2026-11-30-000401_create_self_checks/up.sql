-- The last self-check of each organization: the revision at which it began, when it ended, how many differences it found
-- in all (`difference_count`) and of each rule (`counts`), and the first 1,000 differences.
CREATE TABLE self_checks (
    organization_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    checked_at timestamptz NOT NULL,
    difference_count integer NOT NULL,
    counts jsonb NOT NULL,
    differences jsonb NOT NULL,
    CONSTRAINT self_checks_pkey PRIMARY KEY (organization_id),
    CONSTRAINT self_checks_organization FOREIGN KEY (organization_id) REFERENCES organizations (id)
);
