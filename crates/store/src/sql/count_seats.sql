-- Counts, for each seat type, the members who hold a seat and those who wait for one. Active members claim the seats
-- of their settings; a member who claims a seat and does not wait for it holds it.
-- The cost grows with the organization: the catalog shows all seats. Writes keep the counts (`seat_counts`).
SELECT
    claimed.seat_type,
    (claimed.members - coalesce(waiting.members, 0))::integer AS used,
    coalesce(waiting.members, 0)::integer AS pending
FROM (
    SELECT
        seat.seat_type,
        sum(given.members) AS members
    FROM (
        SELECT
            m.settings_id,
            count(*) AS members
        FROM members AS m
        WHERE m.organization_id = $1 AND m.active
        GROUP BY m.settings_id
    ) AS given
    INNER JOIN settings AS s ON s.organization_id = $1 AND given.settings_id = s.id
    CROSS JOIN unnest(s.seats) AS seat (seat_type)
    GROUP BY seat.seat_type
) AS claimed
LEFT JOIN (
    SELECT
        p.seat_type,
        count(*) AS members
    FROM pending_seats AS p
    WHERE p.organization_id = $1
    GROUP BY p.seat_type
) AS waiting ON claimed.seat_type = waiting.seat_type
