-- Distributes the table on a database that is distributed.
DO $$
BEGIN
    IF to_regclass('pg_dist_partition') IS NOT NULL THEN
        IF EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'organizations'::regclass) THEN
            PERFORM create_distributed_table('audit_document_parts', 'organization_id', colocate_with => 'organizations');
        END IF;
    END IF;
END
$$;
