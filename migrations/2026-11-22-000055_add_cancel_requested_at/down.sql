ALTER TABLE job_runs DROP COLUMN cancel_requested_at;
