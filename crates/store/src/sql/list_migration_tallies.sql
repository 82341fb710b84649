-- For each wave, how many organizations were migrated since $1, and how many have failed since $1 and were not retried.
-- At most 1,000 waves.
SELECT
    o.wave,
    count(*) FILTER (WHERE s.state = 'MIGRATED') AS migrated,
    count(*) FILTER (WHERE s.state = 'FAILED') AS failed
FROM organizations AS o
JOIN settings_migrations AS s ON o.id = s.organization_id
WHERE s.updated_at >= $1 AND s.state IN ('MIGRATED', 'FAILED')
GROUP BY o.wave
ORDER BY o.wave
LIMIT 1000
