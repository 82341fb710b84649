-- Inserts the audit event of a revision.
INSERT INTO audit_events (
    organization_id, revision, occurred_at, actor, method, resource, request_id, trace_id, before, after,
    members_changed, assignment_changes, flips_to_export, flips_to_do_not_export, settings_changes
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::json, $10::json, $11, $12, $13, $14, $15)
