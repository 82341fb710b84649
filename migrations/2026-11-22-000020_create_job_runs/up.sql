-- Runs of jobs. The unique (job, scheduled_for) decides who makes a run, the lease who works on it,
-- and the fence lets a process that lost its lease write nothing (architecture.md 5).
CREATE TABLE job_runs (
    id uuid NOT NULL,
    job text COLLATE "C" NOT NULL,
    scheduled_for timestamptz NOT NULL,
    state text NOT NULL,
    attempt integer NOT NULL,
    fence bigint NOT NULL,
    not_before timestamptz NOT NULL,
    lease_until timestamptz,
    started_at timestamptz,
    ended_at timestamptz,
    position text,
    outcome jsonb NOT NULL,
    failure text,
    report text,
    CONSTRAINT job_runs_pkey PRIMARY KEY (id),
    CONSTRAINT job_runs_job_scheduled_for UNIQUE (job, scheduled_for),
    CONSTRAINT job_runs_job FOREIGN KEY (job) REFERENCES jobs (name),
    CONSTRAINT job_runs_state CHECK (state IN ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'SKIPPED'))
);
