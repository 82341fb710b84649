-- Inserts a holding for each member whose address no audit event explains: for an active member who has no holding of
-- the address, else for the first inactive member with an address that nobody holds. The member has had the address
-- since the member's last change at the latest.
INSERT INTO address_holdings (organization_id, email, member_id, revision, begins_at, is_exact)
SELECT DISTINCT ON (m.email)
    $1,
    m.email,
    m.id,
    m.updated_revision,
    m.updated_at,
    FALSE
FROM members AS m
WHERE
    m.organization_id = $1
    AND NOT EXISTS (
        SELECT FROM address_holdings AS h
        WHERE h.organization_id = $1 AND h.email = m.email AND (h.member_id = m.id OR NOT m.active)
    )
ORDER BY m.email ASC, m.active DESC, m.id ASC
ON CONFLICT (organization_id, email, revision) DO NOTHING
