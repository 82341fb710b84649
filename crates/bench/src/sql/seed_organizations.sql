-- Organizations number $1 to $2 in phase $3; number 0 is the large one.
INSERT INTO organizations (
    id, uid, display_name, phase, mass_change_members, mass_change_percent, catalog, catalog_revision, revision,
    updated_revision, holdings_revision, last_write_at, created_at, updated_at
)
SELECT
    CASE WHEN n = 0 THEN 'large' ELSE 'org-' || lpad(n::text, 5, '0') END,
    gen_random_uuid(), 'Organization ' || n, $3::text, 50, 10, '{"seat_types": [], "workspaces": []}', 1, 1,
    1, 1, clock_timestamp(), clock_timestamp(), clock_timestamp()
FROM generate_series($1::integer, $2::integer) AS n
