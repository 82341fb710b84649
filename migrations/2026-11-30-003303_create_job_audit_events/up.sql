-- The runs of jobs that failed or were cancelled: who ended the run, when and why. A row stays when its run is deleted. Like
-- the runs, the rows are not distributed.
CREATE TABLE job_audit_events (
    run_id uuid NOT NULL,
    job text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    state text NOT NULL,
    actor text NOT NULL,
    cause text NOT NULL,
    CONSTRAINT job_audit_events_pkey PRIMARY KEY (run_id),
    CONSTRAINT job_audit_events_order UNIQUE (occurred_at, run_id),
    CONSTRAINT job_audit_events_state CHECK (state IN ('FAILED', 'CANCELLED'))
);
