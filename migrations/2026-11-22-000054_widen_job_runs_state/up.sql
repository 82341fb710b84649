-- A run that was stopped on request, and is not to be gone on with.
ALTER TABLE job_runs
DROP CONSTRAINT job_runs_state,
ADD CONSTRAINT job_runs_state CHECK (state IN ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'SKIPPED', 'CANCELLED'));
