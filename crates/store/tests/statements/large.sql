-- An organization `acme` with 200,000 members. 100 of them are in each of the assignments `a1` to `a99`, all others in the
-- assignments `default` and `a100`. Each is in a group of ten, and in `crowd` or `rest`. Every 10th has a pin, every 20th
-- waits for a seat, every 50th is inactive. Each has an address holding and a row of history. 1,000 other organizations
-- have no members but old settings that wait for one. Every 10th of them is in phase LEGACY.
SET session_replication_role = replica;
INSERT INTO organizations (
    id, uid, display_name, phase, mass_change_members, mass_change_percent, catalog, catalog_revision, revision,
    updated_revision, last_write_at, created_at, updated_at, holdings_revision
)
SELECT
    o.id, gen_random_uuid(), '', CASE WHEN o.id LIKE '%0' THEN 'LEGACY' ELSE 'MIGRATED' END, 50, 10, '{}', 1, 2000, 1, now(), now(), now(), 2000
FROM (SELECT 'acme' AS id UNION ALL SELECT 'o' || i FROM generate_series(1, 1000) AS i) AS o;
INSERT INTO settings_migrations (organization_id, state, outcomes, updated_at)
SELECT o.id, CASE WHEN o.phase = 'LEGACY' THEN 'PENDING' ELSE 'MIGRATED' END, '{}', now() FROM organizations AS o;
INSERT INTO self_checks (organization_id, revision, checked_at, difference_count, counts, differences)
SELECT o.id, 2000, now(), 0, '{}', '[]' FROM organizations AS o;
INSERT INTO settings
SELECT
    'acme', lpad(to_hex(i), 32, '0')::uuid, CASE WHEN i % 2 = 0 THEN '{gong}'::text [] ELSE '{}' END, NULL, '{}',
    FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, FALSE
FROM generate_series(0, 9) AS i;
INSERT INTO groups
SELECT 'acme', 'g' || i, '', TRUE FROM generate_series(0, 19999) AS i
UNION ALL
SELECT 'acme', g.id, '', TRUE FROM unnest(ARRAY['crowd', 'rest']) AS g (id);
INSERT INTO assignments
SELECT
    'acme', CASE WHEN i = 101 THEN 'default' ELSE 'a' || i END, gen_random_uuid(), '', i, 'AUTOMATIC_UPDATES',
    lpad('0', 32, '0')::uuid, CASE WHEN i < 100 THEN 'EXPORT' END, 1, now(), now()
FROM generate_series(1, 101) AS i;
INSERT INTO assignment_groups SELECT 'acme', 'a' || i, 'g' || i FROM generate_series(1, 100) AS i;
INSERT INTO members
SELECT
    'acme', 'u' || lpad(i::text, 6, '0'), i || '@acme.example', '', '', '', NULL, i % 50 <> 0,
    CASE WHEN i <= 9900 THEN 'a' || (1 + i % 99) WHEN i % 2 = 0 THEN 'a100' ELSE 'default' END,
    lpad((i % 10)::text, 32, '0')::uuid, CASE WHEN i % 3 = 0 THEN 'EXPORT' ELSE 'DO_NOT_EXPORT' END, NULL,
    'ASSIGNMENT', NULL, 1, now(), now()
FROM generate_series(1, 200000) AS i;
INSERT INTO memberships
SELECT 'acme', 'u' || lpad(i::text, 6, '0'), g.id
FROM generate_series(1, 200000) AS i, unnest(ARRAY['g' || i / 10, CASE WHEN i % 3 = 0 THEN 'crowd' ELSE 'rest' END]) AS g (id);
INSERT INTO pins
SELECT 'acme', 'u' || lpad(i::text, 6, '0'), 'default', 'ada', '', now() FROM generate_series(10, 200000, 10) AS i;
INSERT INTO pending_seats
SELECT 'acme', 'gong', 'u' || lpad(i::text, 6, '0'), now(), 1 FROM generate_series(20, 200000, 20) AS i;
INSERT INTO unmatched_legacy_settings
SELECT 'acme', i || '@other.example', TRUE, now() FROM generate_series(1, 20000) AS i
UNION ALL
SELECT 'o' || i / 10, i || '@other.example', TRUE, now() FROM generate_series(10, 10009) AS i;
INSERT INTO address_holdings
SELECT 'acme', i || '@acme.example', 1, 'u' || lpad(i::text, 6, '0'), now(), TRUE FROM generate_series(1, 200000) AS i;
INSERT INTO member_changes
SELECT
    'acme', 'u' || lpad(i::text, 6, '0'), 1, 'ENTERED_ASSIGNMENT', NULL, 'default', NULL, lpad('0', 32, '0')::uuid,
    NULL, 'DO_NOT_EXPORT', NULL, NULL, NULL, 'ASSIGNMENT'
FROM generate_series(1, 200000) AS i;
INSERT INTO audit_events (organization_id, revision, occurred_at, actor, method, resource, members_changed)
SELECT 'acme', i, now() - (2000 - i) * interval '1 minute', 'ada', CASE WHEN i = 1 THEN 'SyncDirectory' ELSE 'MoveMembers' END, '', 1
FROM generate_series(1, 2000) AS i;
INSERT INTO audit_document_parts SELECT 'acme', i, TRUE, n, '{' FROM generate_series(1, 2000) AS i, generate_series(0, 4) AS n;
INSERT INTO audit_subjects SELECT 'acme', 'members/u' || lpad(i::text, 6, '0'), i FROM generate_series(2, 2000) AS i;
INSERT INTO jobs (name) VALUES ('housekeeping');
INSERT INTO job_runs (id, job, scheduled_for, state, attempt, fence, not_before, started_at, ended_at, outcome)
SELECT
    gen_random_uuid(), 'housekeeping', '2026-01-01'::timestamptz + i * interval '1 hour', 'SUCCEEDED', 1, 1, now(), now(),
    '2026-01-01'::timestamptz + i * interval '1 hour', '{}'
FROM generate_series(1, 2000) AS i;
ANALYZE;
SET session_replication_role = origin;
