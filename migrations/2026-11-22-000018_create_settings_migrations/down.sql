DROP TABLE settings_migrations;
