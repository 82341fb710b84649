-- Finds the members of an assignment.
CREATE INDEX CONCURRENTLY members_assignment_index ON members (organization_id, assignment_id, id);
