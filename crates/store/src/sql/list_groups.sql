-- At most $3 groups after the id $2, in byte order of their ids, each with the number of its members.
SELECT
    g.id,
    g.display_name,
    g.present,
    (
        SELECT count(*)::integer FROM memberships AS ms
        WHERE ms.organization_id = $1 AND ms.group_id = g.id
    ) AS members
FROM groups AS g
WHERE g.organization_id = $1 AND g.id > $2
ORDER BY g.id
LIMIT $3
