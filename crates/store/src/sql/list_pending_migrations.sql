-- The first $4 organizations that the run $3 still has to migrate, in the order of their waves. Within a wave, those
-- that an earlier run or attempt could not migrate because of faults of the server come last, and the others are in byte
-- order of their ids. The run takes the waves up to $1. An organization that was created after the run was requested, at
-- $2, waits for the next run, because its old settings may not be imported yet. Which organizations are still to be
-- migrated: MigrationScope::is_still_to_migrate in the domain. A test compares them.
SELECT
    o.id,
    o.wave,
    s.failure IS NOT NULL AS is_faulty
FROM organizations AS o
LEFT JOIN settings_migrations AS s ON o.id = s.organization_id
WHERE
    o.phase = 'LEGACY' AND o.wave <= $1 AND o.created_at <= $2
    AND coalesce(s.state, 'PENDING') = 'PENDING' AND s.set_aside_by IS DISTINCT FROM $3
ORDER BY o.wave, s.failure IS NOT NULL, o.id
LIMIT $4
