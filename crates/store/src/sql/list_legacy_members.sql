-- Every member with the old setting that is bound to the member.
SELECT m.id, m.active, m.assignment_id, m.legacy_email_export
FROM members AS m
WHERE m.organization_id = $1
ORDER BY m.id
