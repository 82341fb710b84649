-- The documents of the events with the revisions $2, the newest first, in pieces of up to $3 bytes, or in the parts in
-- which they are stored. `number` is 0 for the first piece of a document.
WITH documents AS MATERIALIZED (
    SELECT
        e.revision,
        d.is_after,
        convert_to(d.document::text, 'UTF8') AS bytes
    FROM audit_events AS e
    CROSS JOIN LATERAL (VALUES (FALSE, e.before), (TRUE, e.after)) AS d (is_after, document)
    WHERE e.organization_id = $1 AND e.revision = any($2::bigint []) AND d.document IS NOT NULL
)

SELECT
    d.revision,
    d.is_after,
    n.number,
    substring(d.bytes FROM n.number * $3 + 1 FOR $3) AS piece
FROM documents AS d
CROSS JOIN LATERAL generate_series(0, (length(d.bytes) - 1) / $3) AS n (number)
UNION ALL
SELECT
    p.revision,
    p.is_after,
    p.number,
    convert_to(p.part, 'UTF8') AS piece
FROM audit_document_parts AS p
WHERE p.organization_id = $1 AND p.revision = any($2::bigint [])
ORDER BY revision DESC, is_after ASC, number ASC
