-- The ids of at most $3 members after the id $2, in byte order: only those of the assignment $4, and only active or
-- inactive ones ($5), where these are not null.
SELECT m.id
FROM members AS m
WHERE
    m.organization_id = $1
    AND m.id > $2
    AND ($4::text IS NULL OR m.assignment_id = $4)
    AND ($5::boolean IS NULL OR m.active = $5)
ORDER BY m.id
LIMIT $3
