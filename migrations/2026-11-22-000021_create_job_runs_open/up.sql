-- Finds the runs that wait or are under way.
CREATE INDEX CONCURRENTLY job_runs_open ON job_runs (job) WHERE state IN ('PENDING', 'RUNNING');
