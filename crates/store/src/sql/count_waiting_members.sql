-- Counts, for each assignment of $2 and each seat type, the members who will wait for a seat after a plan. These are
-- the members who wait now, without the pending seats that the plan ends (the keys of $3, `seat_type member`), and
-- with those that it adds (seat types $4 of members $5). $6 maps members who enter an assignment to it. Bound values
-- are not joined: the planner would estimate such a join from statistics, which may not contain any pending seat.
WITH waiting AS (
    SELECT
        p.seat_type,
        p.member_id
    FROM pending_seats AS p
    WHERE p.organization_id = $1 AND NOT jsonb_exists($3::jsonb, p.seat_type || ' ' || p.member_id)
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
    count(*)::integer AS members
FROM at_home AS h
WHERE h.assignment_id = any($2::text [])
GROUP BY h.assignment_id, h.seat_type
