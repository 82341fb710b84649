ALTER TABLE pending_seats DROP COLUMN pending_revision;
