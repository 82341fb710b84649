-- Counts the members of the assignments $2, or of all assignments when $2 is null, by their email export setting.
SELECT
    m.assignment_id,
    (count(*) FILTER (WHERE m.active AND m.email_export = 'EXPORT'))::integer AS exporting,
    (count(*) FILTER (WHERE m.active AND m.email_export IS DISTINCT FROM 'EXPORT'))::integer AS not_exporting,
    (count(*) FILTER (WHERE NOT m.active))::integer AS inactive
FROM members AS m
WHERE m.organization_id = $1 AND ($2::text [] IS NULL OR m.assignment_id = any($2))
GROUP BY m.assignment_id
