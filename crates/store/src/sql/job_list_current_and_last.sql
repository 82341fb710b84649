-- For each of the jobs $1: the running run, else the oldest pending run; and the run that ended last. Skipped runs
-- never began, so they are left out.
SELECT r.*
FROM unnest($1::text []) AS j (name)
CROSS JOIN LATERAL (
    (
        SELECT o.* FROM job_runs AS o
        WHERE o.job = j.name AND o.state IN ('PENDING', 'RUNNING')
        ORDER BY o.state DESC, o.scheduled_for ASC
        LIMIT 1
    )
    UNION ALL
    (
        SELECT e.* FROM job_runs AS e
        WHERE e.job = j.name AND e.state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')
        ORDER BY e.ended_at DESC
        LIMIT 1
    )
) AS r
