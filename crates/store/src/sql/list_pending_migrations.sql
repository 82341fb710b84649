-- The first $3 organizations in byte order that a run which was asked for at $2 and takes the waves up to $1 has still to
-- migrate. One that was made since is left to the next run: its old settings may not be imported yet.
SELECT o.id
FROM organizations AS o
LEFT JOIN settings_migrations AS s ON o.id = s.organization_id
WHERE o.phase = 'LEGACY' AND o.wave <= $1 AND o.created_at <= $2 AND coalesce(s.state, 'PENDING') = 'PENDING'
ORDER BY o.id
LIMIT $3
