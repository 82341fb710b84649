-- What the write of revision $2 touched. Assignments whose own fields it changed say so themselves; $3 are those that
-- it touched in another way, and $4 the members.
INSERT INTO audit_subjects (organization_id, subject, revision)
SELECT $1, 'assignments/' || a.id, $2
FROM assignments AS a
WHERE a.organization_id = $1 AND a.updated_revision = $2
UNION
SELECT $1, 'assignments/' || t.id, $2
FROM unnest($3::text []) AS t (id)
UNION ALL
SELECT $1, 'members/' || t.id, $2
FROM unnest($4::text []) AS t (id)
