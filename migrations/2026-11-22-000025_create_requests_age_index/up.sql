CREATE INDEX CONCURRENTLY requests_age ON requests (organization_id, created_at);
