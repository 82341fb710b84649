-- Counts the active members, at most $2 of them. The order lets Postgres read the index of the addresses of active
-- members, and stop after $2 entries.
SELECT count(*)::integer AS active
FROM (
    SELECT m.email
    FROM members AS m
    WHERE m.organization_id = $1 AND m.active
    ORDER BY m.email
    LIMIT $2
) AS counted
