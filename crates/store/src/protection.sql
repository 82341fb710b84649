-- The commands that are missing in this database: those that protect the rows of each organization (ADR 32), and those
-- that give the role of the service, $1, and the role of the jobs, $2, their privileges. A role that does not exist gets
-- nothing. No command is listed twice, and none if all is as it should be: then nothing locks a table.
WITH tables AS (
    SELECT
        c.oid,
        c.oid::regclass::text AS name,
        c.relname,
        c.relowner,
        c.relrowsecurity AND c.relforcerowsecurity AS is_protected,
        -- The column with the organization; null for a table that belongs to no organization.
        (
            SELECT a.attname FROM pg_attribute AS a
            WHERE
                a.attrelid = c.oid AND NOT a.attisdropped
                AND a.attname = CASE c.relname WHEN 'organizations' THEN 'id' ELSE 'organization_id' END
        ) AS organization,
        -- A table that only grows: its owner has taken the privilege away from itself (ADR 9).
        NOT EXISTS (
            SELECT FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a
            WHERE a.grantee = c.relowner AND a.privilege_type = 'UPDATE'
        ) AS only_grows
    FROM pg_class AS c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
),

named_roles AS (
    SELECT
        r.oid,
        r.rolname::text AS name,
        r.rolname = $2 AS is_jobs
    FROM pg_roles AS r
    WHERE r.rolname IN ($1, $2) AND r.oid NOT IN (SELECT relowner FROM tables)
),

-- The roles that see all organizations: that of the jobs. A database that was not protected yet may have another role
-- that can read. It goes on seeing everything until the role of the jobs exists.
seeing_all AS (
    SELECT oid FROM named_roles
    WHERE is_jobs
    UNION
    SELECT unnest(e.polroles) FROM pg_policy AS e
    WHERE
        e.polrelid = to_regclass('public.organizations') AND e.polname = 'all_organizations'
        AND NOT EXISTS (SELECT FROM named_roles WHERE is_jobs)
    UNION
    SELECT a.grantee
    FROM pg_class AS c, aclexplode(c.relacl) AS a
    WHERE
        c.oid = to_regclass('public.organizations') AND NOT c.relrowsecurity
        AND a.privilege_type = 'SELECT' AND a.grantee NOT IN (0, c.relowner)
        AND NOT EXISTS (SELECT FROM named_roles WHERE is_jobs)
),

policies AS (
    SELECT
        oid,
        'organization' AS policy,
        '{0}'::oid[] AS roles,
        format('%I = current_setting(''rollcall.organization'', true)', organization) AS condition
    FROM tables
    WHERE organization IS NOT NULL
    UNION ALL
    SELECT oid, 'owner', ARRAY[relowner], 'true' FROM tables
    WHERE organization IS NOT NULL
    UNION ALL
    SELECT oid, 'all_organizations', (SELECT array_agg(s.oid ORDER BY s.oid) FROM seeing_all AS s), 'true' FROM tables
    WHERE organization IS NOT NULL AND EXISTS (SELECT FROM seeing_all)
),

missing_policies AS (
    SELECT
        p.oid,
        p.policy,
        p.condition,
        (
            SELECT string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END, ', ')
            FROM unnest(p.roles) AS r
        ) AS roles,
        EXISTS (SELECT FROM pg_policy AS e WHERE e.polrelid = p.oid AND e.polname = p.policy) AS exists
    FROM policies AS p
    WHERE NOT EXISTS (
        SELECT FROM pg_policy AS e
        WHERE
            e.polrelid = p.oid AND e.polname = p.policy
            AND (SELECT array_agg(r ORDER BY r) FROM unnest(e.polroles) AS r) = p.roles
    )
),

-- The service changes rows; the role of the jobs only reads, across all organizations.
privileges AS (
    SELECT
        t.oid,
        r.oid AS role_oid,
        r.name AS role,
        CASE
            WHEN r.is_jobs THEN '{SELECT}'::text[]
            WHEN t.relname = '__diesel_schema_migrations' THEN '{SELECT}'
            WHEN t.only_grows THEN '{SELECT,INSERT}'
            ELSE '{SELECT,INSERT,UPDATE,DELETE}'
        END AS given
    FROM tables AS t, named_roles AS r
    WHERE NOT r.is_jobs OR t.organization IS NOT NULL
),

commands AS (
    SELECT oid, 1 AS place, format('DROP POLICY %I ON %s', policy, oid::regclass) AS command
    FROM missing_policies
    WHERE exists
    UNION ALL
    SELECT oid, 2, format('CREATE POLICY %I ON %s TO %s USING (%s)', policy, oid::regclass, roles, condition)
    FROM missing_policies
    UNION ALL
    SELECT oid, 3, format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name) FROM tables
    WHERE organization IS NOT NULL AND NOT is_protected
    UNION ALL
    SELECT oid, 4, format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', name) FROM tables
    WHERE organization IS NOT NULL AND NOT is_protected
    UNION ALL
    SELECT oid, 5, format('GRANT %s ON %s TO %I', array_to_string(given, ', '), oid::regclass, role) FROM privileges
    WHERE EXISTS (SELECT FROM unnest(given) AS g WHERE NOT has_table_privilege(role_oid, oid, g))
    UNION ALL
    SELECT p.oid, 6, format('REVOKE %s ON %s FROM %I', string_agg(a.privilege_type, ', '), p.oid::regclass, p.role)
    FROM privileges AS p
    INNER JOIN pg_class AS c ON c.oid = p.oid
    CROSS JOIN LATERAL aclexplode(c.relacl) AS a
    WHERE
        a.grantee = p.role_oid AND a.privilege_type <> ALL(p.given)
        AND a.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')
    GROUP BY p.oid, p.role
    UNION ALL
    SELECT 'public'::regnamespace::oid, 7, format('GRANT USAGE ON SCHEMA public TO %I', name) FROM named_roles
    WHERE NOT has_schema_privilege(oid, 'public', 'USAGE')
)

-- `organizations` comes last: the roles above depend on it, and this may be interrupted after any table.
SELECT oid::bigint AS object, command FROM commands
ORDER BY oid IS NOT DISTINCT FROM to_regclass('public.organizations'), oid, place, command
