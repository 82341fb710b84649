-- Locks the organization $1, or returns no row while another transaction holds its lock. The clock is read after the
-- lock: the rows of the CTE are locked before the outer query computes its columns from them.
-- The columns are named: a prepared `SELECT *` fails once a schema migration adds a column.
WITH locked AS MATERIALIZED (
    SELECT * FROM organizations
    WHERE id = $1
    FOR UPDATE SKIP LOCKED
)

SELECT
    l.id,
    l.uid,
    l.display_name,
    l.phase,
    l.mass_change_members,
    l.mass_change_percent,
    l.catalog,
    l.catalog_revision,
    l.revision,
    l.updated_revision,
    l.last_write_at,
    l.created_at,
    l.updated_at,
    l.email_domains,
    l.wave,
    l.holdings_revision,
    clock_timestamp() AS locked_at
FROM locked AS l
