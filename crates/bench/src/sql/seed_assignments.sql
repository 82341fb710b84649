-- Four assignments and the default for each organization that has none.
INSERT INTO assignments (
    organization_id, id, uid, display_name, rank, update_mode, settings_id, updated_revision, created_at, updated_at
)
SELECT
    o.id, a.id, gen_random_uuid(), a.display_name, a.rank, a.update_mode, '00000000-0000-0000-0000-000000000000', 1,
    clock_timestamp(), clock_timestamp()
FROM organizations AS o
CROSS JOIN (
    VALUES
    ('sales', 'Sales, EMEA & US', 1, 'AUTOMATIC_UPDATES'),
    ('customer-success', 'Customer success', 2, 'AUTOMATIC_UPDATES'),
    ('revenue-operations', 'Revenue operations', 3, 'MANUAL_EDITING'),
    ('contractors', 'Contractors', 4, 'AUTOMATIC_UPDATES'),
    ('default', 'Default', 5, 'MANUAL_EDITING')
) AS a (id, display_name, rank, update_mode)
WHERE NOT EXISTS (SELECT 1 FROM assignments AS s WHERE s.organization_id = o.id)
