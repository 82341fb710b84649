-- Deletes up to $2 runs that ended before $1. The newest run of each job and runs with a report stay.
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
