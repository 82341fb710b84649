-- The first assignment on which a tech admin has chosen a value since the migration, whether it is still there or not:
-- from then on the migration cannot be rolled back (product.md 7.6).
ALTER TABLE settings_migrations ADD COLUMN chosen_assignment text COLLATE "C";
