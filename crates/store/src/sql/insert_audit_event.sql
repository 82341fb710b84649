-- One event for each revision of an organization.
INSERT INTO audit_events (
    organization_id, revision, occurred_at, actor, method, resource, trace_id, members_changed, before, after
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
