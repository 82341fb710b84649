-- Gives an assignment the groups $3 that it does not have yet.
INSERT INTO assignment_groups (organization_id, assignment_id, group_id)
SELECT $1, $2, g.id
FROM unnest($3::text []) AS g (id)
ON CONFLICT DO NOTHING
