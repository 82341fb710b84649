-- Inserts new members, with the assignment that each enters and what it gives.
INSERT INTO members (
    organization_id, id, email, given_name, family_name, job_title, manager_email, active, assignment_id, settings_id,
    email_export, email_export_since, email_export_source, updated_revision, created_at, updated_at
)
SELECT
    $1,
    n.*,
    $14,
    $15,
    $15
FROM unnest(
    $2::text [], $3::text [], $4::text [], $5::text [], $6::text [], $7::text [], $8::boolean [], $9::text [],
    $10::uuid [], $11::text [], $12::timestamptz [], $13::text []
) AS n
