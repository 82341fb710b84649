-- Begins the schedules of the jobs $1 that have none yet: now, or after the newest run where there are some, be it that
-- they were asked for or that an older release made them.
UPDATE jobs AS j
SET scheduled_until = coalesce((SELECT max(r.scheduled_for) FROM job_runs AS r WHERE r.job = j.name), clock_timestamp())
WHERE j.name = ANY($1) AND j.scheduled_until IS NULL
