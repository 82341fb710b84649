-- The groups of the members $2, or of all members when $2 is null.
SELECT
    ms.member_id,
    array_agg(ms.group_id) AS groups
FROM memberships AS ms
WHERE ms.organization_id = $1 AND ($2::text [] IS NULL OR ms.member_id = any($2))
GROUP BY ms.member_id
