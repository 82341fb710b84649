-- In which wave of the settings migration the organization goes: a run of the job takes those up to its own.
ALTER TABLE organizations ADD COLUMN wave integer NOT NULL DEFAULT 0;
