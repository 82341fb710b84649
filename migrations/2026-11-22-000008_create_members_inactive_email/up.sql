-- Finds the inactive member who has an address that no active one holds.
CREATE INDEX CONCURRENTLY members_inactive_email ON members (organization_id, email) WHERE NOT active;
