-- Organization $1 with $2 members in 20 assignments, three memberships each and a pin for every tenth.
SET session_replication_role = replica;
INSERT INTO organizations (
    id, uid, display_name, phase, mass_change_members, mass_change_percent, catalog, catalog_revision, revision,
    updated_revision, last_write_at, created_at, updated_at
) VALUES ($1, gen_random_uuid(), $1, 'MIGRATED', 50, 10, '{}', 1, 1, 1, now(), now(), now());
INSERT INTO settings
SELECT
    $1,
    ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid,
    '{}',
    NULL,
    '{}',
    i % 2 = 0,
    FALSE, FALSE, FALSE, FALSE, FALSE, FALSE
FROM generate_series(0, 19) AS i;
INSERT INTO assignments
SELECT
    $1,
    'a' || CASE WHEN i = 0 THEN '' ELSE i::text END,
    gen_random_uuid(),
    'A',
    i + 1,
    'AUTOMATIC_UPDATES',
    ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid,
    'EXPORT',
    1,
    now(),
    now()
FROM generate_series(0, 19) AS i;
INSERT INTO members
SELECT
    $1,
    'u' || i,
    i || '@company.example',
    'Given',
    'Family',
    '',
    NULL,
    TRUE,
    'a',
    '00000000-0000-0000-0000-000000000000',
    CASE WHEN i % 3 = 0 THEN 'EXPORT' ELSE 'DO_NOT_EXPORT' END,
    NULL,
    'ASSIGNMENT',
    NULL,
    1,
    now(),
    now()
FROM generate_series(1, $2) AS i
ORDER BY 2;
INSERT INTO address_holdings
SELECT
    $1,
    i || '@company.example',
    1,
    'u' || i,
    now(),
    TRUE
FROM generate_series(1, $2) AS i
ORDER BY 2;
UPDATE organizations SET holdings_revision = revision WHERE id = $1;
INSERT INTO pins
SELECT
    $1,
    'u' || i,
    'a',
    'anonymous',
    '',
    now()
FROM generate_series(10, $2, 10) AS i
ORDER BY 2;
INSERT INTO memberships
SELECT
    $1,
    'u' || i,
    'g' || CASE WHEN k = 0 THEN 0 ELSE 1 + (i * 7 + k) % 40 END
FROM generate_series(1, $2) AS i, generate_series(0, 2) AS k
ORDER BY 2;
