-- Finds active members of an assignment who have a value of email export, without reading the assignment's other members.
CREATE INDEX CONCURRENTLY members_export_index ON members (organization_id, assignment_id, email_export, id) WHERE active;
