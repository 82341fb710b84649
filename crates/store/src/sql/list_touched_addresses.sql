-- The addresses of which a holding began with a write after revision $2, up to $3. An address is listed once for each
-- holding.
SELECT h.email
FROM address_holdings AS h
WHERE h.organization_id = $1 AND h.revision > $2
ORDER BY h.revision
LIMIT $3
