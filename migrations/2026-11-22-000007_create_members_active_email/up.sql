-- An address is unique among active members; an inactive one yields it (product.md 1).
CREATE UNIQUE INDEX CONCURRENTLY members_active_email ON members (organization_id, email) WHERE active;
