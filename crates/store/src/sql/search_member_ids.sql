-- The ids of at most $3 members after the id $2 who have the text $4, in byte order: only those of the assignment $5, and
-- only active or inactive ones ($6), where these are not null.
-- The cost grows with the organization: Postgres has no index for a part of a text without an extension.
SELECT m.id
FROM members AS m
WHERE
    m.organization_id = $1
    AND m.id > $2
    AND ($5::text IS NULL OR m.assignment_id = $5)
    AND ($6::boolean IS NULL OR m.active = $6)
    AND (
        strpos(
            lower(concat_ws(' ', m.id, m.email, m.given_name, m.family_name, m.job_title)), lower($4)
        ) > 0
    )
ORDER BY m.id
LIMIT $3
