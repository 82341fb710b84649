-- Adds the groups $3 to an assignment, unless it has them already.
INSERT INTO assignment_groups (organization_id, assignment_id, group_id)
SELECT $1, $2, g.id
FROM unnest($3::text []) AS g (id)
ON CONFLICT DO NOTHING
