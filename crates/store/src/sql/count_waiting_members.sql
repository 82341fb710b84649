-- How many members of each assignment of $2 will wait for each seat type: those who wait now, less the pending seats
-- `seat_type member` that are a key of $3, and who of $5 begins to wait for that of $4. Who enters an assignment has it
-- in $6. Nothing is joined with what is bound: a join would be planned from statistics, which may not know of anybody
-- who waits.
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
