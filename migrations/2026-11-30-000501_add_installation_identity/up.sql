-- What tells this installation apart from others that use the same place for reports: an id that is created once, and how
-- often a backup of the database was restored, as `rollcall restored` has counted it.
ALTER TABLE installation
    ADD COLUMN installation_id uuid,
    ADD COLUMN restores integer NOT NULL DEFAULT 0;
