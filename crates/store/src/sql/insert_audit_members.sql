-- Inserts that the write of revision $2 touched the members $3, who have no row in `member_changes` for it.
INSERT INTO audit_subjects (organization_id, subject, revision)
SELECT $1, 'members/' || t.id, $2
FROM unnest($3::text []) AS t (id)
