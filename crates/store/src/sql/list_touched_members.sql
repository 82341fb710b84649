-- The members whom the writes after revision $2 touched, up to twice $3. A member is listed once for each write. A write
-- that touched a member has a row either in `member_changes` or in `audit_subjects`.
(
    SELECT c.member_id AS id
    FROM member_changes AS c
    WHERE c.organization_id = $1 AND c.revision > $2
    ORDER BY c.revision
    LIMIT $3
)
UNION ALL
(
    SELECT substr(s.subject, 9) AS id
    FROM audit_subjects AS s
    WHERE s.organization_id = $1 AND s.revision > $2 AND s.subject LIKE 'members/%'
    ORDER BY s.revision
    LIMIT $3
)
