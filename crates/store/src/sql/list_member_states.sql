-- The members of the assignment $2, of the groups $3, and the members $4, each with the ranks that match the member
-- in a proposed list. $5 maps each group of that list to the first rank that has it; it is empty when no member is
-- resolved again, and then no memberships are read. The ranks are found for each member through the primary key: the
-- planner would estimate a join from statistics, which right after a first sync do not contain any members.
WITH concerned AS (
    SELECT m.id FROM members AS m
    WHERE m.organization_id = $1 AND m.assignment_id = $2
    UNION
    SELECT ms.member_id FROM memberships AS ms
    WHERE ms.organization_id = $1 AND ms.group_id = any($3::text [])
    UNION
    SELECT named.id FROM unnest($4::text []) AS named (id)
)

SELECT
    m.id,
    m.active,
    m.assignment_id,
    m.settings_id,
    m.email_export,
    m.email_export_since,
    m.email_export_source,
    p.assignment_id AS pin,
    CASE
        WHEN $5::jsonb = '{}' THEN '{}'
        ELSE array(
            SELECT ($5::jsonb ->> ms.group_id)::integer FROM memberships AS ms
            WHERE ms.organization_id = $1 AND ms.member_id = m.id AND jsonb_exists($5::jsonb, ms.group_id)
        )
    END AS matching_ranks
FROM concerned AS c
INNER JOIN members AS m ON m.organization_id = $1 AND c.id = m.id
LEFT JOIN pins AS p ON p.organization_id = $1 AND m.id = p.member_id
ORDER BY m.id
