-- When somebody asked the run to stop: whoever works on it ends its chunk, whoever takes it over ends it.
ALTER TABLE job_runs ADD COLUMN cancel_requested_at timestamptz;
