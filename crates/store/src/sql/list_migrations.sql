-- At most $3 organizations after $1, in byte order of their ids, with their migration. Organizations that were created
-- migrated are left out. $2 is the only state and $4 the only wave to list, unless they are null.
-- The state without a record: MigrationState::of in the domain. A test compares them.
-- The unmatched settings are counted for the listed organizations only.
WITH listed AS (
    SELECT
        o.id,
        o.phase,
        o.wave,
        s.state,
        s.failure,
        s.proof,
        s.updated_at,
        s.chosen_assignment
    FROM organizations AS o
    LEFT JOIN settings_migrations AS s ON o.id = s.organization_id
    WHERE
        o.id > $1
        AND (o.phase = 'LEGACY' OR s.state IS NOT NULL)
        AND ($2::text IS NULL OR coalesce(s.state, 'PENDING') = $2)
        AND ($4::integer IS NULL OR o.wave = $4)
    ORDER BY o.id
    LIMIT $3
)

SELECT
    l.id,
    l.phase,
    l.wave,
    l.state,
    l.failure,
    l.proof,
    l.updated_at,
    l.chosen_assignment,
    (
        SELECT count(*)::integer FROM unmatched_legacy_settings AS u
        WHERE u.organization_id = l.id
    ) AS unmatched
FROM listed AS l
ORDER BY l.id
