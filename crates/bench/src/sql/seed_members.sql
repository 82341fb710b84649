-- So many members ($1) for each organization that has none, spread over its assignments. In phase LEGACY half of them
-- have an old setting that is on; in phase MIGRATED all have the same setting, so that nothing is mixed.
INSERT INTO members (
    organization_id, id, email, given_name, family_name, job_title, manager_email, active, assignment_id, settings_id,
    email_export, email_export_source, legacy_email_export, updated_revision, created_at, updated_at
)
SELECT
    o.id,
    '00u' || md5(o.id || n),
    'person.' || n || '@' || o.id || '.example',
    (ARRAY['Ada', 'Björn', 'Chiara', 'Dmitri', 'Emeka', 'Fatima', 'Grace', 'Hiroshi'])[n % 8 + 1],
    'Åkesson-' || n,
    (ARRAY['Account Executive', 'Sales Engineer', 'Customer Success Manager', 'SDR', ''])[n % 5 + 1],
    CASE WHEN n > 20 THEN 'person.' || n % 20 || '@' || o.id || '.example' END,
    n % 20 <> 0,
    (ARRAY['sales', 'customer-success', 'revenue-operations', 'contractors', 'default'])[n / 2 % 5 + 1],
    '00000000-0000-0000-0000-000000000000',
    CASE WHEN o.phase = 'MIGRATED' THEN 'DO_NOT_EXPORT' END,
    CASE WHEN o.phase = 'MIGRATED' THEN 'ASSIGNMENT' END,
    CASE WHEN o.phase = 'LEGACY' AND n % 3 <> 0 THEN n % 2 = 0 END,
    1,
    clock_timestamp(),
    clock_timestamp()
FROM organizations AS o
CROSS JOIN generate_series(1, $1::integer) AS n
WHERE NOT EXISTS (SELECT 1 FROM members AS m WHERE m.organization_id = o.id)
ORDER BY o.id, n
