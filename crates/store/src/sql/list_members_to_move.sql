-- Up to $4 active members, in byte order of their ids, of each assignment of $2 who have EXPORT, and of each
-- assignment of $3 who have DO_NOT_EXPORT.
SELECT
    r.assignment_id,
    r.id
FROM (
    SELECT
        m.assignment_id,
        m.id,
        row_number() OVER (PARTITION BY m.assignment_id ORDER BY m.id) AS place
    FROM members AS m
    WHERE
        m.organization_id = $1
        AND m.active
        AND (
            (m.assignment_id = any($2::text []) AND m.email_export = 'EXPORT')
            OR (m.assignment_id = any($3::text []) AND m.email_export = 'DO_NOT_EXPORT')
        )
) AS r
WHERE r.place <= $4
ORDER BY r.assignment_id, r.id
