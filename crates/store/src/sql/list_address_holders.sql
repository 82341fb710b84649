-- Who holds each of the addresses $2: the active member, else the first inactive member who has it. One index has the
-- addresses of the active members, another those of the inactive members. The last condition lets Postgres use both.
SELECT DISTINCT ON (m.email)
    m.email,
    m.id,
    m.legacy_email_export
FROM members AS m
WHERE m.organization_id = $1 AND m.email = any($2::text []) AND (m.active OR NOT m.active)
ORDER BY m.email ASC, m.active DESC, m.id ASC
