-- How the member $2 came to what they have, newest first.
SELECT c.*, e.occurred_at, e.actor, before.*, after.*
FROM member_changes AS c
INNER JOIN audit_events AS e ON c.organization_id = e.organization_id AND c.revision = e.revision
LEFT JOIN settings AS before ON c.organization_id = before.organization_id AND c.settings_before = before.id
INNER JOIN settings AS after ON c.organization_id = after.organization_id AND c.settings_after = after.id
WHERE c.organization_id = $1 AND c.member_id = $2
ORDER BY c.revision DESC
