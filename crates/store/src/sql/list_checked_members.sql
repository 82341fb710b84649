-- The self-check: up to $3 members after $2, in byte order of their ids, each with the ranks that match the member, the
-- seat types that the member waits for, and the newest change in the history. $4 maps each group of the list to the
-- first rank that has it. The members are limited first, and the rest is read for each of them through the primary key.
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
    array(
        SELECT ($4::jsonb ->> ms.group_id)::integer FROM memberships AS ms
        WHERE ms.organization_id = $1 AND ms.member_id = m.id AND jsonb_exists($4::jsonb, ms.group_id)
    ) AS matching_ranks,
    array(
        SELECT s.seat_type::text FROM pending_seats AS s
        WHERE s.organization_id = $1 AND s.member_id = m.id
    ) AS pending,
    h.revision AS changed_revision,
    h.settings_before,
    h.assignment_after,
    h.settings_after,
    h.email_export_after,
    h.email_export_since_after,
    h.email_export_source_after
FROM (
    SELECT * FROM members AS l
    WHERE l.organization_id = $1 AND l.id > $2
    ORDER BY l.id
    LIMIT $3
) AS m
LEFT JOIN LATERAL (
    SELECT * FROM member_changes AS c
    WHERE c.organization_id = $1 AND c.member_id = m.id
    ORDER BY c.revision DESC
    LIMIT 1
) AS h ON TRUE
ORDER BY m.id
