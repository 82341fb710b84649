-- Memberships that are gone.
DELETE FROM memberships AS ms
USING unnest($2::text [], $3::text []) AS gone (member_id, group_id)
WHERE ms.organization_id = $1 AND ms.member_id = gone.member_id AND ms.group_id = gone.group_id
