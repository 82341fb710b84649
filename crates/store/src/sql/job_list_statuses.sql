-- What the engine reads of the jobs $1 at each tick: the clock, up to which time the schedule has become runs, whether
-- there is a run to claim, and whether a live process works on a run. While a run is running, only this run can be
-- claimed, after its lease has expired; until then other processes may share it.
SELECT
    j.name,
    clock_timestamp() AS now,
    j.scheduled_until,
    coalesce((
        SELECT
            CASE
                WHEN bool_or(r.state = 'RUNNING')
                    THEN bool_or(r.state = 'RUNNING' AND r.lease_until <= clock_timestamp())
                ELSE bool_or(r.not_before <= clock_timestamp())
            END
        FROM job_runs AS r
        WHERE r.job = j.name AND r.state IN ('PENDING', 'RUNNING')
    ), FALSE) AS claimable,
    EXISTS (
        SELECT FROM job_runs AS r
        WHERE r.job = j.name AND r.state = 'RUNNING' AND r.lease_until > clock_timestamp()
    ) AS running
FROM jobs AS j
WHERE j.name = ANY($1)
