-- Distributes the tables of organizations over the workers of a Citus cluster. An operator runs this script once, on the
-- coordinator, as a superuser or as the owner of the tables, while no process of Rollcall runs:
--
--     psql --no-psqlrc --set ON_ERROR_STOP=1 --file migrations/distribute.sql "$DATABASE_URL"
--
-- The script is one statement, and so one transaction: it distributes everything or changes nothing. It does nothing if
-- all tables are distributed already. docs/operations.md, "When one Postgres is not enough", has the whole procedure.
--
-- Each table that has a column `organization_id` is distributed by it, next to `organizations`. All other tables (jobs,
-- runs, reports, installation) stay local tables of the coordinator.
DO $distribute$
DECLARE
    tenant_tables regclass[];
    append_only_tables regclass[];
    add_foreign_keys text[];
    tenant_table regclass;
    command text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        RAISE EXCEPTION 'the database % has no Citus; nothing was changed', quote_ident(current_database())
        USING HINT = 'Run this script on the coordinator of a Citus cluster, after CREATE EXTENSION citus. '
            'A single Postgres needs no distribution.';
    END IF;
    IF to_regclass('public.organizations') IS NULL THEN
        RAISE EXCEPTION 'the database % has no tables of Rollcall; nothing was changed',
            quote_ident(current_database())
        USING HINT = 'Run `rollcall migrate` on this database first.';
    END IF;

    -- The tables that are not distributed yet, `organizations` first.
    SELECT array_agg(t.oid ORDER BY t.relname <> 'organizations', t.relname) INTO tenant_tables
    FROM (
        SELECT c.oid::regclass AS oid, c.relname
        FROM pg_class AS c
        WHERE
            c.relnamespace = 'public'::regnamespace
            AND c.relkind IN ('r', 'p')
            AND NOT c.relispartition
            AND (
                c.relname = 'organizations'
                OR EXISTS (
                    SELECT FROM pg_attribute AS a
                    WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped
                )
            )
            AND NOT EXISTS (SELECT FROM pg_dist_partition AS d WHERE d.logicalrelid = c.oid)
    ) AS t;
    IF tenant_tables IS NULL THEN
        RAISE NOTICE 'all tables of organizations are distributed already; nothing was changed';
        RETURN;
    END IF;

    -- Citus says for each table that it copies the rows and that a copy stays, which the last step deletes.
    SET LOCAL client_min_messages = warning;
    -- Fails within 10 s, instead of waiting, while a process of Rollcall uses the tables.
    SET LOCAL lock_timeout = '10s';
    -- Foreign keys between distributed tables need one connection for each worker.
    PERFORM set_config('citus.multi_shard_modify_mode', 'sequential', true);

    -- A foreign key may not connect a distributed table with a table that is not distributed yet.
    SELECT array_agg(
        format('ALTER TABLE %s ADD CONSTRAINT %I %s', f.conrelid::regclass, f.conname, pg_get_constraintdef(f.oid))
        ORDER BY f.conrelid::regclass::text, f.conname
    ) INTO add_foreign_keys
    FROM pg_constraint AS f
    WHERE f.contype = 'f' AND f.conrelid = ANY(tenant_tables);
    FOR command IN
        SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', f.conrelid::regclass, f.conname)
        FROM pg_constraint AS f
        WHERE f.contype = 'f' AND f.conrelid = ANY(tenant_tables)
    LOOP
        EXECUTE command;
    END LOOP;

    FOREACH tenant_table IN ARRAY tenant_tables LOOP
        IF tenant_table = 'public.organizations'::regclass THEN
            PERFORM create_distributed_table(tenant_table, 'id', colocate_with => 'none');
        ELSE
            PERFORM create_distributed_table(
                tenant_table, 'organization_id', colocate_with => 'public.organizations'
            );
        END IF;
    END LOOP;
    FOREACH command IN ARRAY coalesce(add_foreign_keys, '{}') LOOP
        EXECUTE command;
    END LOOP;

    -- The rows are on the workers now. Without this, the coordinator would keep a copy that is invisible. The owner of
    -- the audit's tables gets the privilege for this step only.
    SELECT array_agg(t) INTO append_only_tables
    FROM unnest(tenant_tables) AS t
    WHERE NOT has_table_privilege(t, 'TRUNCATE');
    FOREACH tenant_table IN ARRAY coalesce(append_only_tables, '{}') LOOP
        EXECUTE format('GRANT TRUNCATE ON %s TO CURRENT_USER', tenant_table);
    END LOOP;
    FOREACH tenant_table IN ARRAY tenant_tables LOOP
        PERFORM truncate_local_data_after_distributing_table(tenant_table);
    END LOOP;
    FOREACH tenant_table IN ARRAY coalesce(append_only_tables, '{}') LOOP
        EXECUTE format('REVOKE TRUNCATE ON %s FROM CURRENT_USER', tenant_table);
    END LOOP;

    SET LOCAL client_min_messages = notice;
    RAISE NOTICE 'distributed % tables', cardinality(tenant_tables);
END
$distribute$;
