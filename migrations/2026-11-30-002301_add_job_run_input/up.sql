-- What a run has to do, for a job whose work a request describes. The column `position` says how far the run is.
ALTER TABLE job_runs ADD COLUMN input jsonb;
