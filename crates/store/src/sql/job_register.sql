-- Makes the jobs $1 known: their schedules begin now, or after the newest run where an older release knew the job. Those
-- that are known stay as they are.
INSERT INTO jobs AS j (name, scheduled_until)
SELECT
    name,
    clock_timestamp()
FROM unnest($1) AS name
ON CONFLICT (name) DO UPDATE
    SET
        scheduled_until = coalesce(
            (SELECT max(r.scheduled_for) FROM job_runs AS r WHERE r.job = j.name), excluded.scheduled_until
        )
    WHERE j.scheduled_until IS NULL
