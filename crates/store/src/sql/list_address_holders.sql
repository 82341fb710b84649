-- Who has each of the addresses $2: the active member, else the inactive member who had it last. One index has the
-- addresses of the active members, another those of the inactive members. The last condition lets Postgres use both.
SELECT DISTINCT ON (m.email)
    m.email,
    m.id,
    m.legacy_email_export
FROM members AS m
WHERE m.organization_id = $1 AND m.email = any($2::text []) AND (m.active OR NOT m.active)
ORDER BY
    m.email ASC,
    m.active DESC,
    (
        SELECT max(h.revision)
        FROM address_holdings AS h
        WHERE h.organization_id = $1 AND h.email = m.email AND h.member_id = m.id
    ) DESC NULLS LAST,
    m.id ASC
