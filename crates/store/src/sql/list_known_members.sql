-- All members when $2 is null; else the members $2, and the active members with an address of $3.
SELECT
    m.id,
    m.email,
    m.given_name,
    m.family_name,
    m.job_title,
    m.manager_email,
    m.active,
    m.assignment_id,
    m.settings_id,
    m.email_export,
    m.email_export_since,
    m.email_export_source,
    m.legacy_email_export IS NOT NULL AS has_legacy,
    p.assignment_id AS pin
FROM members AS m
LEFT JOIN pins AS p ON m.organization_id = p.organization_id AND m.id = p.member_id
WHERE
    m.organization_id = $1
    AND ($2::text [] IS NULL OR m.id = any($2) OR (m.active AND m.email = any($3::text [])))
