ALTER TABLE organizations DROP COLUMN holdings_revision;
