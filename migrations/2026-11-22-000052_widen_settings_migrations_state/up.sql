-- A migration that failed or was rolled back is pending again once an operator says so.
ALTER TABLE settings_migrations
DROP CONSTRAINT settings_migrations_state,
ADD CONSTRAINT settings_migrations_state CHECK (state IN ('PENDING', 'MIGRATED', 'FAILED', 'ROLLED_BACK'));
