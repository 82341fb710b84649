-- Pins the members $2 to the assignment $3, and replaces their former pins.
INSERT INTO pins (organization_id, member_id, assignment_id, actor, reason, pinned_at)
SELECT $1, p.member_id, $3, $4, $5, $6
FROM unnest($2::text []) AS p (member_id)
ON CONFLICT (organization_id, member_id) DO UPDATE SET
assignment_id = excluded.assignment_id,
actor = excluded.actor,
reason = excluded.reason,
pinned_at = excluded.pinned_at
