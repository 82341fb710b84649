-- Finds the inactive members in byte order of their ids.
CREATE INDEX CONCURRENTLY members_inactive ON members (organization_id, id) WHERE NOT active;
