-- Inserts what the write of revision $2 touched: assignments whose own fields it changed (read from their rows),
-- other assignments ($3), and members without a row in `member_changes` ($4).
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
