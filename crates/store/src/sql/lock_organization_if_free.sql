-- Like lock_organization.sql, but returns no row while another transaction holds the lock.
WITH locked AS MATERIALIZED (
    SELECT * FROM organizations
    WHERE id = $1
    FOR UPDATE SKIP LOCKED
)

SELECT
    l.*,
    clock_timestamp() AS locked_at
FROM locked AS l
