-- Up to $3 organizations after $1, in byte order of their ids, whose self-check is due: they have changed since the last
-- check began, or the last check ended before $2, or there is none.
SELECT o.id
FROM organizations AS o
LEFT JOIN self_checks AS s ON o.id = s.organization_id
WHERE o.id > $1 AND (s.revision IS DISTINCT FROM o.revision OR s.checked_at < $2)
ORDER BY o.id
LIMIT $3
