-- What the active members of each assignment of $2 have: whether one has EXPORT, and whether one has DO_NOT_EXPORT. Each
-- question reads one entry of an index. (EXISTS could be planned as one scan of all members.)
SELECT
    a.id AS assignment_id,
    coalesce((
        SELECT TRUE FROM members AS m
        WHERE m.organization_id = $1 AND m.assignment_id = a.id AND m.active AND m.email_export = 'EXPORT'
        LIMIT 1
    ), FALSE) AS exporting,
    coalesce((
        SELECT TRUE FROM members AS m
        WHERE m.organization_id = $1 AND m.assignment_id = a.id AND m.active AND m.email_export = 'DO_NOT_EXPORT'
        LIMIT 1
    ), FALSE) AS not_exporting
FROM unnest($2::text []) AS a (id)
