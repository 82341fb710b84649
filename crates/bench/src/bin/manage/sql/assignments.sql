-- The list of assignments with their groups.
SELECT
    a.id,
    a.display_name,
    a.rank,
    a.update_mode,
    array(
        SELECT ag.group_id FROM assignment_groups AS ag
        WHERE ag.organization_id = $1 AND ag.assignment_id = a.id
    ) AS groups
FROM assignments AS a
WHERE a.organization_id = $1
ORDER BY a.rank
