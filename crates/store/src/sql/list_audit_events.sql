-- Audit events of the revisions from $2 up to but not including $3, newest first: those that touched the assignment
-- $4 and the member $5, where these are not null. A member has a row for an event either in `audit_subjects` or in
-- `member_changes`, so no event is listed twice. A page has at most $6 events and ends after the event that reaches
-- $7 bytes. `found` is the number of events that the page could have, plus one when there are more. pg_column_size
-- returns the stored size without reading the value.
WITH page AS (
    SELECT t.revision
    FROM (
        (
            SELECT e.revision
            FROM audit_events AS e
            WHERE
                $4::text IS NULL AND $5::text IS NULL
                AND e.organization_id = $1 AND e.revision >= $2 AND e.revision < $3
            ORDER BY e.revision DESC
            LIMIT $6 + 1
        )
        UNION ALL
        (
            SELECT s.revision
            FROM audit_subjects AS s
            WHERE
                s.organization_id = $1 AND s.subject = coalesce('members/' || $5, 'assignments/' || $4)
                AND s.revision >= $2 AND s.revision < $3
                AND ($4 IS NULL OR EXISTS (
                    SELECT FROM audit_subjects AS a
                    WHERE a.organization_id = $1 AND a.subject = 'assignments/' || $4 AND a.revision = s.revision
                ))
            ORDER BY s.revision DESC
            LIMIT $6 + 1
        )
        UNION ALL
        (
            SELECT c.revision
            FROM member_changes AS c
            WHERE
                c.organization_id = $1 AND c.member_id = $5 AND c.revision >= $2 AND c.revision < $3
                AND ($4 IS NULL OR EXISTS (
                    SELECT FROM audit_subjects AS a
                    WHERE a.organization_id = $1 AND a.subject = 'assignments/' || $4 AND a.revision = c.revision
                ))
            ORDER BY c.revision DESC
            LIMIT $6 + 1
        )
    ) AS t
    ORDER BY t.revision DESC
    LIMIT $6 + 1
),

sized AS (
    SELECT
        e.*,
        count(*) OVER () AS found,
        row_number() OVER newest_first AS number,
        sum(coalesce(pg_column_size(e.before), 0) + coalesce(pg_column_size(e.after), 0) + parts.size)
            OVER (newest_first ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS size_before
    FROM page
    INNER JOIN audit_events AS e ON e.organization_id = $1 AND e.revision = page.revision
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(pg_column_size(p.part)), 0) AS size
        FROM audit_document_parts AS p
        WHERE p.organization_id = $1 AND p.revision = page.revision
    ) AS parts
    WINDOW newest_first AS (ORDER BY e.revision DESC)
)

SELECT
    s.revision, s.occurred_at, s.actor, s.method, s.resource, s.request_id, s.trace_id, s.members_changed,
    s.assignment_changes, s.flips_to_export, s.flips_to_do_not_export, s.settings_changes, s.found
FROM sized AS s
WHERE s.number <= $6 AND coalesce(s.size_before, 0) < $7::bigint
ORDER BY s.revision DESC
