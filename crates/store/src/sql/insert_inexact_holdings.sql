-- Inserts holdings of addresses that no audit event explains. An active member gets a holding of the member's address if
-- the member has none. An address without any holding is given to its first inactive member. The holding begins with the
-- member's last change: the member had the address then, and may have had it earlier.
-- The cost grows with the organization: this runs once, if the audit does not explain the addresses.
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
