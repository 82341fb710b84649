-- The history of the member $2, newest first, each change with its time and actor: all changes, or only changes of
-- email export when $3 is true; before revision $4, up to the time $5, and at most $6. The audit event of each
-- change is found through the primary key (LATERAL): the planner would estimate a plain join from statistics, which
-- right after a first sync do not contain any changes, and would read all audit events of the organization.
SELECT
    c.revision,
    c.cause,
    c.assignment_before,
    c.assignment_after,
    c.settings_before,
    c.settings_after,
    c.email_export_before,
    c.email_export_after,
    c.email_export_since_before,
    c.email_export_since_after,
    c.email_export_source_before,
    c.email_export_source_after,
    a.occurred_at,
    a.actor
FROM member_changes AS c
CROSS JOIN LATERAL (
    SELECT
        e.occurred_at,
        e.actor
    FROM audit_events AS e
    WHERE e.organization_id = $1 AND e.revision = c.revision
    LIMIT 1
) AS a
WHERE
    c.organization_id = $1
    AND c.member_id = $2
    AND (
        NOT $3
        OR c.email_export_before IS DISTINCT FROM c.email_export_after
        OR c.email_export_since_before IS DISTINCT FROM c.email_export_since_after
        OR c.email_export_source_before IS DISTINCT FROM c.email_export_source_after
    )
    AND ($4::bigint IS NULL OR c.revision < $4)
    AND ($5::timestamptz IS NULL OR a.occurred_at <= $5)
ORDER BY c.revision DESC
LIMIT $6
