-- Removes runs that ended before $1, at most $2: none that is its job's newest, and none whose report is there.
DELETE FROM job_runs
WHERE
    id IN (
        SELECT r.id FROM job_runs AS r
        WHERE
            r.ended_at < $1
            AND r.scheduled_for < (SELECT max(n.scheduled_for) FROM job_runs AS n WHERE n.job = r.job)
            AND NOT EXISTS (SELECT FROM reports AS p WHERE p.run_id = r.id)
        ORDER BY r.ended_at
        LIMIT $2
    )
