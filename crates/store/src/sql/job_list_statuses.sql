-- What the engine reads of the jobs $1 at each tick: the clock, up to which time the schedule has become runs, whether
-- there is a run to claim, when the next pending run is due, and whether a live process works on a run. While a run is running, only this run can be
-- claimed, when it has no live lease; until then other processes may share it. A lease that ends in more than an hour was
-- written at a wrong reading of the clock (`live_leases`).
SELECT
    j.name,
    clock_timestamp() AS now,
    j.scheduled_until,
    coalesce((
        SELECT
            CASE
                WHEN bool_or(r.state = 'RUNNING')
                    THEN bool_or(
                        r.state = 'RUNNING'
                        AND (
                            r.lease_until <= clock_timestamp()
                            OR r.lease_until > clock_timestamp() + interval '1 hour'
                        )
                    )
                ELSE bool_or(r.not_before <= clock_timestamp())
            END
        FROM job_runs AS r
        WHERE r.job = j.name AND r.state IN ('PENDING', 'RUNNING')
    ), FALSE) AS claimable,
    (SELECT min(r.not_before) FROM job_runs AS r WHERE r.job = j.name AND r.state = 'PENDING') AS due_at,
    EXISTS (
        SELECT FROM job_runs AS r
        WHERE r.job = j.name AND r.state = 'RUNNING'
            AND r.lease_until > clock_timestamp()
            AND r.lease_until <= clock_timestamp() + interval '1 hour'
    ) AS running
FROM jobs AS j
WHERE j.name = ANY($1)
