-- The states of the $2 organizations that were migrated or failed last, since $1, newest first.
SELECT s.state
FROM settings_migrations AS s
WHERE s.updated_at >= $1 AND s.state IN ('MIGRATED', 'FAILED')
ORDER BY s.updated_at DESC, s.organization_id DESC
LIMIT $2
