-- The rows of the mixed-settings report of one organization, as the CSV shows them. COPY takes no parameters: the
-- organization is put in by the caller.
WITH mixed AS (
    SELECT
        m.assignment_id,
        count(*) FILTER (WHERE m.email_export = 'EXPORT') AS exporting,
        count(*) FILTER (WHERE m.email_export = 'DO_NOT_EXPORT') AS not_exporting
    FROM members AS m
    WHERE m.organization_id = {organization} AND m.active
    GROUP BY m.assignment_id
    HAVING
        count(*) FILTER (WHERE m.email_export = 'EXPORT') > 0
        AND count(*) FILTER (WHERE m.email_export = 'DO_NOT_EXPORT') > 0
)

SELECT
    a.organization_id,
    a.id,
    a.display_name,
    a.rank,
    a.update_mode,
    CASE a.update_mode WHEN 'AUTOMATIC_UPDATES' THEN 'true' ELSE 'false' END,
    x.exporting,
    x.not_exporting,
    m.id,
    m.email,
    CASE WHEN m.active THEN 'ACTIVE' ELSE 'INACTIVE' END,
    m.email_export,
    CASE m.email_export WHEN 'EXPORT' THEN coalesce(to_char(m.email_export_since, 'YYYY-MM-DD'), 'always') END,
    m.email_export_source
FROM mixed AS x
INNER JOIN assignments AS a ON a.organization_id = {organization} AND x.assignment_id = a.id
INNER JOIN members AS m ON m.organization_id = {organization} AND x.assignment_id = m.assignment_id
ORDER BY a.rank, m.email, m.id
