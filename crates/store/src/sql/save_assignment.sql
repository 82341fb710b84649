-- Inserts an assignment at a free rank, or updates its own fields. An update keeps the uid and the rank.
INSERT INTO assignments (
    organization_id, id, uid, display_name, rank, update_mode, settings_id, email_export,
    updated_revision, created_at, updated_at
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
ON CONFLICT (organization_id, id) DO UPDATE SET
display_name = excluded.display_name,
update_mode = excluded.update_mode,
settings_id = excluded.settings_id,
email_export = excluded.email_export,
updated_revision = excluded.updated_revision,
updated_at = excluded.updated_at
