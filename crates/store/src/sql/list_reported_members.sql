-- The members of the assignments $2, by the place of the assignment in this array, then by email and id: the rows of
-- the mixed-settings CSV.
SELECT
    x.place,
    m.id,
    m.email,
    m.active,
    m.email_export,
    m.email_export_since,
    m.email_export_source
FROM unnest($2::text[]) WITH ORDINALITY AS x (assignment_id, place)
INNER JOIN members AS m ON m.organization_id = $1 AND x.assignment_id = m.assignment_id
ORDER BY x.place, m.email, m.id
