-- Begins the schedules of the jobs $1 that have not begun: after the job's newest run if it has one (requested, or
-- created by an older release), else now.
UPDATE jobs AS j
SET scheduled_until = coalesce((SELECT max(r.scheduled_for) FROM job_runs AS r WHERE r.job = j.name), clock_timestamp())
WHERE j.name = ANY($1) AND j.scheduled_until IS NULL
