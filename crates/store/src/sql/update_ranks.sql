-- Writes all ranks in one statement: the deferrable constraint is checked when the statement ends.
UPDATE assignments AS a
SET rank = r.rank
FROM unnest($2::text [], $3::integer []) AS r (id, rank)
WHERE a.organization_id = $1 AND a.id = r.id AND a.rank <> r.rank
RETURNING a.id
