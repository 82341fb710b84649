ALTER TABLE settings_migrations
DROP CONSTRAINT settings_migrations_state,
ADD CONSTRAINT settings_migrations_state CHECK (state IN ('MIGRATED', 'FAILED', 'ROLLED_BACK'));
