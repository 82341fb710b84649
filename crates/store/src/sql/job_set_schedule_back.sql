-- Sets the schedule of the job $1 back, after a wrong reading of the clock has moved it beyond the time $2: to its newest
-- run up to $2, else to $2. Deletes the runs after $2 that were marked as skipped: their times are still to come. A run
-- after $2 that was begun, requested or is pending stays, so its time does not run again.
WITH
deleted AS (
    DELETE FROM job_runs WHERE job = $1 AND state = 'SKIPPED' AND scheduled_for > $2
)

UPDATE jobs AS j
SET
    scheduled_until = coalesce(
        (SELECT max(r.scheduled_for) FROM job_runs AS r WHERE r.job = j.name AND r.scheduled_for <= $2), $2
    )
WHERE j.name = $1 AND j.scheduled_until > $2
