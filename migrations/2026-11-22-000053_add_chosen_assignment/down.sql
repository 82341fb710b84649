ALTER TABLE settings_migrations DROP COLUMN chosen_assignment;
