-- Finds the members whom a write changed.
CREATE INDEX CONCURRENTLY member_changes_revision ON member_changes (organization_id, revision, member_id);
