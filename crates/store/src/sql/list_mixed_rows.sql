-- The mixed-settings CSV: members of mixed assignments after (rank $2, email $3, id $4), at most $5.
-- An assignment is mixed when its active members do not all have the same setting.
WITH mixed AS (
    SELECT
        m.assignment_id,
        (count(*) FILTER (WHERE m.email_export = 'EXPORT'))::integer AS exporting,
        (count(*) FILTER (WHERE m.email_export = 'DO_NOT_EXPORT'))::integer AS not_exporting
    FROM members AS m
    WHERE m.organization_id = $1 AND m.active
    GROUP BY m.assignment_id
    HAVING
        count(*) FILTER (WHERE m.email_export = 'EXPORT') > 0
        AND count(*) FILTER (WHERE m.email_export = 'DO_NOT_EXPORT') > 0
)

SELECT
    m.assignment_id AS assignment,
    a.display_name AS assignment_name,
    a.rank AS assignment_rank,
    a.update_mode,
    x.exporting AS members_exporting,
    x.not_exporting AS members_not_exporting,
    m.id AS member,
    m.email,
    m.active,
    m.email_export,
    m.email_export_since,
    m.email_export_source
FROM mixed AS x
INNER JOIN assignments AS a ON a.organization_id = $1 AND x.assignment_id = a.id
INNER JOIN members AS m ON m.organization_id = $1 AND x.assignment_id = m.assignment_id
WHERE (a.rank, m.email, m.id) > ($2, $3, $4)
ORDER BY a.rank, m.email, m.id
LIMIT $5
