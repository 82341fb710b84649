-- Inserts new memberships.
INSERT INTO memberships (organization_id, member_id, group_id)
SELECT $1, n.member_id, n.group_id
FROM unnest($2::text [], $3::text []) AS n (member_id, group_id)
