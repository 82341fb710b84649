-- At most $3 organizations after $1, in byte order of their ids, with their migration. Organizations that were created
-- migrated are left out. $2 is the only state and $4 the only wave to list, unless they are null.
-- The state without a record: MigrationState::of in the domain. A test compares them.
-- The unmatched settings are counted for the listed organizations only: LIMIT stops the index scan before.
SELECT
    o.id,
    o.phase,
    o.wave,
    s.state,
    s.failure,
    s.proof,
    s.updated_at,
    s.chosen_assignment,
    (
        SELECT count(*)::integer FROM unmatched_legacy_settings AS u
        WHERE u.organization_id = o.id
    ) AS unmatched
FROM organizations AS o
LEFT JOIN settings_migrations AS s ON o.id = s.organization_id
WHERE
    o.id > $1
    AND (o.phase = 'LEGACY' OR s.state IS NOT NULL)
    AND ($2::text IS NULL OR coalesce(s.state, 'PENDING') = $2)
    AND ($4::integer IS NULL OR o.wave = $4)
ORDER BY o.id
LIMIT $3
