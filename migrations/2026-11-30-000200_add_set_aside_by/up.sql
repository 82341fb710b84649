-- The run of the settings migration that has set the organization aside because of faults of the server. This run does
-- not try the organization again, but later runs do. There is no foreign key, because runs are not distributed.
ALTER TABLE settings_migrations ADD COLUMN set_aside_by uuid;
