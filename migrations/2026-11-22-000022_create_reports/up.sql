-- Published reports. The row is what publishes: files without one are leftovers of a lost attempt.
CREATE TABLE reports (
    id text COLLATE "C" NOT NULL,
    run_id uuid NOT NULL,
    path text NOT NULL,
    data_as_of timestamptz NOT NULL,
    published_at timestamptz NOT NULL,
    row_count bigint NOT NULL,
    byte_count bigint NOT NULL,
    sha256 text NOT NULL,
    organization_count integer NOT NULL,
    legacy_organization_count integer NOT NULL,
    mixed_assignment_count integer NOT NULL,
    CONSTRAINT reports_pkey PRIMARY KEY (id),
    CONSTRAINT reports_run FOREIGN KEY (run_id) REFERENCES job_runs (id)
);
