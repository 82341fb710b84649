-- The mixed assignments of an organization as the report shows them, by rank. *Mixed* is `Summary::is_mixed` of the
-- domain; a test checks that both agree.
-- The cost grows with the organization: the report then lists these members.
SELECT
    a.id,
    a.display_name,
    a.rank,
    a.update_mode,
    x.exporting,
    x.not_exporting,
    x.inactive
FROM (
    SELECT
        m.assignment_id,
        (count(*) FILTER (WHERE m.active AND m.email_export = 'EXPORT'))::integer AS exporting,
        (count(*) FILTER (WHERE m.active AND m.email_export = 'DO_NOT_EXPORT'))::integer AS not_exporting,
        (count(*) FILTER (WHERE NOT m.active))::integer AS inactive
    FROM members AS m
    WHERE m.organization_id = $1
    GROUP BY m.assignment_id
    HAVING
        count(*) FILTER (WHERE m.active AND m.email_export = 'EXPORT') > 0
        AND count(*) FILTER (WHERE m.active AND m.email_export = 'DO_NOT_EXPORT') > 0
) AS x
INNER JOIN assignments AS a ON a.organization_id = $1 AND x.assignment_id = a.id
ORDER BY a.rank
