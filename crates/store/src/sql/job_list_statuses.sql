-- What a tick has to know of the jobs $1: the clock, until when the schedule has become runs, and whether there is a run
-- to claim. While one is under way that is only this one, once its lease has run out; until then others may share its
-- work.
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
