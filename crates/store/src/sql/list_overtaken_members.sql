-- The members that a new order can move: members of an assignment of $4 who have a group of $2 whose first rank in
-- the new order ($3) is before the new rank of the assignment ($5). Each has these ranks: the member moves to one of
-- them.
SELECT
    m.id,
    m.active,
    m.assignment_id,
    m.settings_id,
    m.email_export,
    m.email_export_since,
    m.email_export_source,
    p.assignment_id AS pin,
    array_agg(g.rank) AS matching_ranks
FROM unnest($2::text [], $3::integer []) AS g (id, rank)
INNER JOIN memberships AS ms ON ms.organization_id = $1 AND g.id = ms.group_id
INNER JOIN members AS m ON m.organization_id = $1 AND ms.member_id = m.id
INNER JOIN unnest($4::text [], $5::integer []) AS a (id, rank) ON m.assignment_id = a.id
LEFT JOIN pins AS p ON p.organization_id = $1 AND m.id = p.member_id
WHERE g.rank < a.rank
GROUP BY m.organization_id, m.id, p.assignment_id
ORDER BY m.id
