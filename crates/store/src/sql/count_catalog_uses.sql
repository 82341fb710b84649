-- Counts the assignments and the members that use a seat type ($2), a workspace ($3), or the profile $4 of that
-- workspace. Rows of `settings` that no assignment or member refers to do not count.
-- The cost grows with the organization: an entry is removed rarely, and must have no member.
WITH matching AS (
    SELECT s.id
    FROM settings AS s
    WHERE
        s.organization_id = $1
        AND (
            s.seats @> array[$2]
            OR ($4::text IS NULL AND (s.home_workspace = $3 OR jsonb_exists(s.permissions, $3)))
            OR s.permissions ->> $3 = $4
        )
)
SELECT
    (
        SELECT count(*)::integer FROM assignments AS a
        WHERE a.organization_id = $1 AND a.settings_id IN (SELECT h.id FROM matching AS h)
    ) AS assignments,
    (
        SELECT count(*)::integer FROM members AS m
        WHERE m.organization_id = $1 AND m.settings_id IN (SELECT h.id FROM matching AS h)
    ) AS members
