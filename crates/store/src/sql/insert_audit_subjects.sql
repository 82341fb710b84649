-- Inserts which assignments the write of revision $2 touched: those whose own fields it changed (read from their rows),
-- and others ($3).
INSERT INTO audit_subjects (organization_id, subject, revision)
SELECT $1, 'assignments/' || a.id, $2
FROM assignments AS a
WHERE a.organization_id = $1 AND a.updated_revision = $2
UNION
SELECT $1, 'assignments/' || t.id, $2
FROM unnest($3::text []) AS t (id)
