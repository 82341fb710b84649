-- The first of the groups $2 that the organization does not know.
SELECT named.id
FROM unnest($2::text []) AS named (id)
WHERE NOT EXISTS (SELECT FROM groups AS g WHERE g.organization_id = $1 AND g.id = named.id)
ORDER BY named.id COLLATE "C"
LIMIT 1
