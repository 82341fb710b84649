-- The mixed assignments of an organization with what the report says of them, by rank: those whose active members do
-- not all have the same setting.
SELECT
    a.id,
    a.display_name AS name,
    a.rank,
    a.update_mode,
    x.exporting,
    x.not_exporting,
    x.members
FROM (
    SELECT
        m.assignment_id,
        (count(*) FILTER (WHERE m.active AND m.email_export = 'EXPORT'))::integer AS exporting,
        (count(*) FILTER (WHERE m.active AND m.email_export = 'DO_NOT_EXPORT'))::integer AS not_exporting,
        count(*) AS members
    FROM members AS m
    WHERE m.organization_id = $1
    GROUP BY m.assignment_id
    HAVING
        count(*) FILTER (WHERE m.active AND m.email_export = 'EXPORT') > 0
        AND count(*) FILTER (WHERE m.active AND m.email_export = 'DO_NOT_EXPORT') > 0
) AS x
INNER JOIN assignments AS a ON a.organization_id = $1 AND x.assignment_id = a.id
ORDER BY a.rank
