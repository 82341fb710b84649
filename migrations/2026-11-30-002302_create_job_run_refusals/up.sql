-- The organizations that a run could not change, each with the reason. Like the runs, they are not distributed.
CREATE TABLE job_run_refusals (
    run_id uuid NOT NULL,
    organization text COLLATE "C" NOT NULL,
    reason text COLLATE "C" NOT NULL,
    message text NOT NULL,
    CONSTRAINT job_run_refusals_pkey PRIMARY KEY (run_id, organization),
    CONSTRAINT job_run_refusals_run FOREIGN KEY (run_id) REFERENCES job_runs (id) ON DELETE CASCADE
);
