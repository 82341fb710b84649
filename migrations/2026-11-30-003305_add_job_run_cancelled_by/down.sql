ALTER TABLE job_runs DROP COLUMN cancelled_by;
