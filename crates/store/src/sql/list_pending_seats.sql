-- Pending seats of the types $2: of each type the oldest ones, as many as $3 says, and those of the members $4.
SELECT
    oldest.seat_type,
    oldest.member_id,
    oldest.pending_since,
    oldest.pending_revision
FROM unnest($2::text [], $3::bigint []) AS wanted (seat_type, reach)
CROSS JOIN LATERAL (
    SELECT
        p.seat_type,
        p.member_id,
        p.pending_since,
        p.pending_revision
    FROM pending_seats AS p
    WHERE p.organization_id = $1 AND p.seat_type = wanted.seat_type
    ORDER BY p.pending_since, p.pending_revision, p.member_id
    LIMIT wanted.reach
) AS oldest
UNION
SELECT
    p.seat_type,
    p.member_id,
    p.pending_since,
    p.pending_revision
FROM pending_seats AS p
WHERE p.organization_id = $1 AND p.seat_type = any($2) AND p.member_id = any($4::text [])
