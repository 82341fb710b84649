-- Reads the table once, beside writers.
ALTER TABLE member_changes VALIDATE CONSTRAINT member_changes_cause;
