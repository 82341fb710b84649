-- At most $4 members after the id $3 whom the write of revision $2 touched, in byte order of their ids. A member has a row
-- either in `member_changes`, with what changed, or in `audit_subjects`. The subjects of members begin with `members/`,
-- and `0` is the character after `/`.
SELECT t.*
FROM (
    (
        SELECT
            c.member_id,
            c.cause,
            c.assignment_before,
            c.assignment_after,
            c.email_export_before,
            c.email_export_after,
            c.settings_before IS DISTINCT FROM c.settings_after AS settings_changed
        FROM member_changes AS c
        WHERE c.organization_id = $1 AND c.revision = $2 AND c.member_id > $3
        ORDER BY c.member_id
        LIMIT $4
    )
    UNION ALL
    (
        SELECT
            substr(s.subject, length('members/') + 1) AS member_id,
            NULL AS cause,
            NULL AS assignment_before,
            NULL AS assignment_after,
            NULL AS email_export_before,
            NULL AS email_export_after,
            FALSE AS settings_changed
        FROM audit_subjects AS s
        WHERE
            s.organization_id = $1 AND s.revision = $2
            AND s.subject > 'members/' || $3 AND s.subject < 'members0'
        ORDER BY s.subject
        LIMIT $4
    )
) AS t
ORDER BY t.member_id
LIMIT $4
