-- Finds the members of a group.
CREATE INDEX CONCURRENTLY memberships_group_index ON memberships (organization_id, group_id, member_id);
