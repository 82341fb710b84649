-- How many seats of each type with a total are used and pending, as of the revision `seat_counts_revision`, so that a
-- write need not count them. Writes of the release before leave this revision behind; the next write that needs the
-- counts then counts the seats.
ALTER TABLE organizations
ADD COLUMN seat_counts jsonb NOT NULL DEFAULT '{}',
ADD COLUMN seat_counts_revision bigint NOT NULL DEFAULT 0;
