-- Who first asked the run to stop.
ALTER TABLE job_runs ADD COLUMN cancelled_by text;
