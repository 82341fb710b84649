-- Finds the members that the writes after a revision changed.
CREATE INDEX CONCURRENTLY member_changes_revision_index ON member_changes (organization_id, revision);
