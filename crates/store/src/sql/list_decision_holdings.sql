-- Up to $4 holdings after the one of address $2 that began with revision $3, by address, the oldest first.
SELECT
    h.email,
    h.revision,
    h.member_id,
    h.begins_at,
    h.is_exact
FROM address_holdings AS h
WHERE h.organization_id = $1 AND (h.email, h.revision) > ($2, $3)
ORDER BY h.email, h.revision
LIMIT $4
