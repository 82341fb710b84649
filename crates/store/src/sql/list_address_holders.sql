-- Who holds each of the addresses $2: the active member, else the first inactive member who has it.
SELECT DISTINCT ON (m.email)
    m.email,
    m.id,
    m.legacy_email_export
FROM members AS m
WHERE m.organization_id = $1 AND m.email = any($2::text [])
ORDER BY m.email ASC, m.active DESC, m.id ASC
