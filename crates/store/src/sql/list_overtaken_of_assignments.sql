-- The same members as list_overtaken_members.sql, for assignments $2 (new ranks $3) with few members: the groups of each
-- of their members are compared with $4, which maps each overtaking group to its first rank.
SELECT
    m.id,
    m.active,
    m.assignment_id,
    m.settings_id,
    m.email_export,
    m.email_export_since,
    m.email_export_source,
    (
        SELECT p.assignment_id::text FROM pins AS p
        WHERE p.organization_id = $1 AND p.member_id = m.id
    ) AS pin,
    g.ranks AS matching_ranks
FROM unnest($2::text [], $3::integer []) AS a (id, rank)
INNER JOIN members AS m ON m.organization_id = $1 AND a.id = m.assignment_id
CROSS JOIN LATERAL (
    SELECT array_agg(($4::jsonb ->> ms.group_id)::integer) AS ranks
    FROM memberships AS ms
    WHERE ms.organization_id = $1 AND ms.member_id = m.id AND ($4::jsonb ->> ms.group_id)::integer < a.rank
) AS g
WHERE g.ranks IS NOT NULL
ORDER BY m.id
