-- Lets the members $3 wait for a seat of the type $2, from the time $4 and the revision $5.
INSERT INTO pending_seats (organization_id, seat_type, member_id, pending_since, pending_revision)
SELECT
    $1,
    $2,
    n.member_id,
    $4,
    $5
FROM unnest($3::text []) AS n (member_id)
