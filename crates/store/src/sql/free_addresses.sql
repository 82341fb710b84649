-- Sets active members inactive who are to become inactive or to have another address, so that the unique index
-- allows another member to have their address. update_identities.sql then writes their new values.
UPDATE members AS m
SET active = FALSE
FROM unnest($2::text [], $3::text [], $4::boolean []) AS u (id, email, active)
WHERE m.organization_id = $1 AND m.id = u.id AND m.active AND (m.email <> u.email OR NOT u.active)
