-- The assignments whose active members have different email export settings, with counts of their members.
-- The cost grows with the organization: the members of the mixed assignments are the answer.
SELECT
    m.assignment_id,
    (count(*) FILTER (WHERE m.active AND m.email_export = 'EXPORT'))::integer AS exporting,
    (count(*) FILTER (WHERE m.active AND m.email_export = 'DO_NOT_EXPORT'))::integer AS not_exporting,
    (count(*) FILTER (WHERE NOT m.active AND m.email_export = 'EXPORT'))::integer AS inactive_exporting,
    (count(*) FILTER (WHERE NOT m.active AND m.email_export = 'DO_NOT_EXPORT'))::integer AS inactive_not_exporting
FROM members AS m
WHERE m.organization_id = $1
GROUP BY m.assignment_id
HAVING
    count(*) FILTER (WHERE m.active AND m.email_export = 'EXPORT') > 0
    AND count(*) FILTER (WHERE m.active AND m.email_export = 'DO_NOT_EXPORT') > 0
