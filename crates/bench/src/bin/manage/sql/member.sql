-- The member $2 with what they have and their pin.
SELECT m.*, s.*, p.assignment_id AS pin, p.actor, p.reason, p.pinned_at
FROM members AS m
INNER JOIN settings AS s ON m.organization_id = s.organization_id AND m.settings_id = s.id
LEFT JOIN pins AS p ON m.organization_id = p.organization_id AND m.id = p.member_id
WHERE m.organization_id = $1 AND m.id = $2
