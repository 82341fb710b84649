-- Of each of the jobs $1 the run that is under way, else the oldest that waits, and the last that ended; a run that
-- was skipped never began.
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
