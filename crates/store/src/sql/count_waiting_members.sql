-- Counts, for each assignment of $2 and each seat type, the members who will wait for a seat after a plan. These are
-- the members who wait now, without the pending seats that the plan ends (the keys of $3, `seat_type member`), and
-- with those that it adds (seat types $4 of members $5). $6 maps members who enter an assignment to it. Of the members
-- who wait now, this reads the members $7 and $8 pending seats of others, or all when $8 is null. `is_partial` says that
-- there may be more. Bound values are not joined: the planner would estimate such a join from statistics, which may not
-- contain any pending seat.
WITH sampled AS (
    SELECT
        p.seat_type,
        p.member_id
    FROM pending_seats AS p
    WHERE p.organization_id = $1
    ORDER BY p.seat_type, p.member_id
    LIMIT $8::bigint
),

known AS (
    SELECT
        s.seat_type,
        s.member_id
    FROM sampled AS s
    UNION
    SELECT
        p.seat_type,
        p.member_id
    FROM pending_seats AS p
    WHERE p.organization_id = $1 AND p.member_id = any($7::text [])
),

waiting AS (
    SELECT
        k.seat_type,
        k.member_id
    FROM known AS k
    WHERE NOT jsonb_exists($3::jsonb, k.seat_type || ' ' || k.member_id)
    UNION ALL
    SELECT
        begins.seat_type,
        begins.member_id
    FROM unnest($4::text [], $5::text []) AS begins (seat_type, member_id)
),

at_home AS (
    SELECT
        w.seat_type,
        coalesce(
            $6::jsonb ->> w.member_id,
            (SELECT m.assignment_id FROM members AS m WHERE m.organization_id = $1 AND m.id = w.member_id)
        ) AS assignment_id
    FROM waiting AS w
)

SELECT
    h.assignment_id,
    h.seat_type,
    count(*)::integer AS members,
    coalesce((SELECT count(*) FROM sampled) >= $8, FALSE) AS is_partial
FROM at_home AS h
WHERE h.assignment_id = any($2::text [])
GROUP BY h.assignment_id, h.seat_type
