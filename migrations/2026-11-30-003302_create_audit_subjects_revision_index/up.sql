-- Finds the members and assignments that a write touched.
CREATE INDEX CONCURRENTLY audit_subjects_revision ON audit_subjects (organization_id, revision, subject);
