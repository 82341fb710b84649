-- The revision that let a member wait for a seat. Two writes can have the same time, so the order of the queue is that of
-- time and revision. The release before writes 0.
ALTER TABLE pending_seats ADD COLUMN pending_revision bigint NOT NULL DEFAULT 0;
