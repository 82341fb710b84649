-- At most $4 organizations after $3, in byte order of their ids, that are in phase LEGACY and in the scope of a run:
-- the waves up to $1, created before the run was requested at $2. `pending` says whether the organization is still to
-- be migrated (MigrationState::is_still_to_migrate in the domain; a test compares them) or waits for an operator.
SELECT
    o.id,
    coalesce(s.state, 'PENDING') = 'PENDING' AS pending,
    (SELECT count(*) FROM members AS m WHERE m.organization_id = o.id) AS members
FROM organizations AS o
LEFT JOIN settings_migrations AS s ON o.id = s.organization_id
WHERE o.phase = 'LEGACY' AND o.wave <= $1 AND o.created_at <= $2 AND o.id > $3
ORDER BY o.id
LIMIT $4
