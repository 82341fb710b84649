-- Finds the seats that a member waits for.
CREATE INDEX CONCURRENTLY pending_seats_member_index ON pending_seats (organization_id, member_id, seat_type);
