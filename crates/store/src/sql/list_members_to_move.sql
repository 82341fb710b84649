-- Up to $4 active members, in byte order of their ids, of each assignment of $2 who have EXPORT, and of each
-- assignment of $3 who have DO_NOT_EXPORT. An index has them in this order.
SELECT
    m.assignment_id,
    m.id
FROM (
    SELECT
        x.id,
        'EXPORT' AS value
    FROM unnest($2::text []) AS x (id)
    UNION ALL
    SELECT
        n.id,
        'DO_NOT_EXPORT' AS value
    FROM unnest($3::text []) AS n (id)
) AS a
CROSS JOIN LATERAL (
    SELECT
        l.assignment_id,
        l.id
    FROM members AS l
    WHERE l.organization_id = $1 AND l.assignment_id = a.id AND l.email_export = a.value AND l.active
    ORDER BY l.id
    LIMIT $4
) AS m
ORDER BY m.assignment_id, m.id
