-- Finds the oldest pending seats of a type.
CREATE INDEX CONCURRENTLY pending_seats_age_index ON pending_seats (organization_id, seat_type, pending_since, member_id);
