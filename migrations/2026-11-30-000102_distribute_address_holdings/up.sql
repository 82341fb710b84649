-- Distributes the new table by organization, if the database is distributed.
DO $$
BEGIN
    IF to_regclass('pg_dist_partition') IS NOT NULL THEN
        IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'organizations'::regclass) THEN
            PERFORM create_distributed_table('address_holdings', 'organization_id', colocate_with => 'organizations');
        END IF;
    END IF;
END
$$;
