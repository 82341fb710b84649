-- Finds the first event at a time or later. Revisions and times go up together.
CREATE INDEX CONCURRENTLY audit_events_time ON audit_events (organization_id, occurred_at, revision);
