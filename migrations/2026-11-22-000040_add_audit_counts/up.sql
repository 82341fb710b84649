-- Which request asked for it, and what it did to members. The release before writes neither.
ALTER TABLE audit_events
ADD COLUMN request_id uuid,
ADD COLUMN assignment_changes integer NOT NULL DEFAULT 0,
ADD COLUMN flips_to_export integer NOT NULL DEFAULT 0,
ADD COLUMN flips_to_do_not_export integer NOT NULL DEFAULT 0,
ADD COLUMN settings_changes integer NOT NULL DEFAULT 0;
