ALTER TABLE organizations
DROP COLUMN seat_counts,
DROP COLUMN seat_counts_revision;
