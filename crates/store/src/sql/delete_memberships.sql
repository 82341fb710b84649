-- Deletes the memberships of the members $2 in the groups $3.
DELETE FROM memberships AS ms
USING unnest($2::text [], $3::text []) AS removed (member_id, group_id)
WHERE ms.organization_id = $1 AND ms.member_id = removed.member_id AND ms.group_id = removed.group_id
