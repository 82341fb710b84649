-- Finds what the writes after a revision touched.
CREATE INDEX CONCURRENTLY audit_subjects_revision_index ON audit_subjects (organization_id, revision);
