-- What a run has before it that was asked for at $2 and takes the waves up to $1: of the organizations after $3 in byte
-- order, at most $4, whether each is to be migrated or waits for an operator, and how many members it has.
WITH listed AS (
    SELECT
        o.id,
        coalesce(s.state, 'PENDING') = 'PENDING' AS pending
    FROM organizations AS o
    LEFT JOIN settings_migrations AS s ON o.id = s.organization_id
    WHERE o.phase = 'LEGACY' AND o.wave <= $1 AND o.created_at <= $2 AND o.id > $3
    ORDER BY o.id
    LIMIT $4
)

SELECT
    l.id,
    l.pending,
    (SELECT count(*) FROM members AS m WHERE m.organization_id = l.id) AS members
FROM listed AS l
ORDER BY l.id
