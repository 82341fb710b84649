-- Lets the members $3 wait for a seat of the type $2, from the time $4.
INSERT INTO pending_seats (organization_id, seat_type, member_id, pending_since)
SELECT $1, $2, n.member_id, $4
FROM unnest($3::text []) AS n (member_id)
