ALTER TABLE jobs DROP COLUMN scheduled_until;
