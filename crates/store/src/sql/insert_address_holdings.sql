-- Inserts that the members $3 began to hold the addresses $2, with the revision $4 at the time $5.
INSERT INTO address_holdings (organization_id, email, member_id, revision, begins_at, is_exact)
SELECT
    $1,
    n.email,
    n.member_id,
    $4,
    $5,
    TRUE
FROM unnest($2::text [], $3::text []) AS n (email, member_id)
