-- The ids of at most $4 members of the group $2 after the id $3, in byte order: only those of the assignment $5, only active
-- or inactive ones ($6), and only those who have the text $7, where these are not null.
SELECT m.id
FROM memberships AS ms
CROSS JOIN LATERAL (
    SELECT * FROM members AS m
    WHERE m.organization_id = $1 AND m.id = ms.member_id
    LIMIT 1
) AS m
WHERE
    ms.organization_id = $1
    AND ms.group_id = $2
    AND ms.member_id > $3
    AND ($5::text IS NULL OR m.assignment_id = $5)
    AND ($6::boolean IS NULL OR m.active = $6)
    AND (
        $7::text IS NULL
        OR strpos(
            lower(concat_ws(' ', m.id, m.email, m.given_name, m.family_name, m.job_title)), lower($7)
        ) > 0
    )
ORDER BY ms.member_id
LIMIT $4
