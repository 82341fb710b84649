-- Finds the pins to an assignment.
CREATE INDEX CONCURRENTLY pins_assignment_index ON pins (organization_id, assignment_id);
