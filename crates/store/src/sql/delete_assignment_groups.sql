-- Takes the groups that are not among $3 from an assignment.
DELETE FROM assignment_groups AS ag
WHERE ag.organization_id = $1 AND ag.assignment_id = $2 AND ag.group_id <> ALL($3::text [])
