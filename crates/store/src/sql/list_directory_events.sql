-- The members in the documents of the syncs with a revision after $2 and before $3, the newest first: up to $4 syncs.
SELECT
    e.revision,
    e.occurred_at,
    e.before ->> 'members' AS members_before,
    e.after ->> 'members' AS members_after
FROM audit_events AS e
WHERE e.organization_id = $1 AND e.revision > $2 AND e.revision < $3 AND e.method = 'SyncDirectory'
ORDER BY e.revision DESC
LIMIT $4
