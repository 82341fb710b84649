-- The list in evaluation order, each assignment with its groups.
SELECT
    a.id,
    a.uid,
    a.display_name,
    a.update_mode,
    a.email_export,
    a.updated_revision,
    a.created_at,
    a.updated_at,
    a.settings_id,
    coalesce(g.groups, '{}') AS groups
FROM assignments AS a
LEFT JOIN (
    SELECT
        ag.assignment_id,
        array_agg(ag.group_id) AS groups
    FROM assignment_groups AS ag
    WHERE ag.organization_id = $1
    GROUP BY ag.assignment_id
) AS g ON a.id = g.assignment_id
WHERE a.organization_id = $1
ORDER BY a.rank
