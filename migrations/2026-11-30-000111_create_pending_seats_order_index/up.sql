-- Finds the oldest pending seats of a type. The release before uses pending_seats_age_index.
CREATE INDEX CONCURRENTLY pending_seats_order_index
ON pending_seats (organization_id, seat_type, pending_since, pending_revision, member_id);
