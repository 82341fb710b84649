ALTER TABLE settings_migrations DROP COLUMN set_aside_by;
