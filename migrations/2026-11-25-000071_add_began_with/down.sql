ALTER TABLE job_runs DROP COLUMN began_with;
