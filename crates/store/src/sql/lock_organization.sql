-- Locks the organization $1 and reads the clock after that: the rows of the CTE are locked before the outer query
-- computes its columns from them. (In one SELECT ... FOR UPDATE the clock would be read before the wait for the lock.)
WITH locked AS MATERIALIZED (
    SELECT * FROM organizations
    WHERE id = $1
    FOR UPDATE
)

SELECT
    l.*,
    clock_timestamp() AS locked_at
FROM locked AS l
