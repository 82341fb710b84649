-- The first revision of an organization at time $2 or later.
SELECT e.revision
FROM audit_events AS e
WHERE e.organization_id = $1 AND e.occurred_at >= $2
ORDER BY e.occurred_at, e.revision
LIMIT 1
