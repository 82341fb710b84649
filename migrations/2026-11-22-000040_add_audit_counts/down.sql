ALTER TABLE audit_events
DROP COLUMN request_id,
DROP COLUMN assignment_changes,
DROP COLUMN flips_to_export,
DROP COLUMN flips_to_do_not_export,
DROP COLUMN settings_changes;
