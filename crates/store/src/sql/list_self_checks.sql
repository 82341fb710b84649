-- Up to $2 organizations after $1, in byte order of their ids, with their last self-check, without its differences.
-- With $3 only organizations for which the check found differences.
SELECT
    s.organization_id,
    s.revision,
    s.checked_at,
    s.counts
FROM self_checks AS s
WHERE s.organization_id > $1 AND (NOT $3 OR s.difference_count > 0)
ORDER BY s.organization_id
LIMIT $2
