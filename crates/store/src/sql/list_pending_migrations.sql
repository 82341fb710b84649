-- The first $3 organizations, in byte order of their ids, that a run still has to migrate. The run takes the waves up
-- to $1. An organization that was created after the run was requested, at $2, waits for the next run, because its old
-- settings may not be imported yet. Which organizations are still to be migrated: MigrationState::is_still_to_migrate
-- in the domain. A test compares them.
SELECT o.id
FROM organizations AS o
LEFT JOIN settings_migrations AS s ON o.id = s.organization_id
WHERE o.phase = 'LEGACY' AND o.wave <= $1 AND o.created_at <= $2 AND coalesce(s.state, 'PENDING') = 'PENDING'
ORDER BY o.id
LIMIT $3
