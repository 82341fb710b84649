-- Inserts the history of members at revision $2.
INSERT INTO member_changes (
    organization_id, revision, member_id, cause, assignment_before, assignment_after, settings_before, settings_after,
    email_export_before, email_export_after, email_export_since_before, email_export_since_after,
    email_export_source_before, email_export_source_after
)
SELECT
    $1,
    $2,
    c.*
FROM unnest(
    $3::text [], $4::text [], $5::text [], $6::text [], $7::uuid [], $8::uuid [],
    $9::text [], $10::text [], $11::timestamptz [], $12::timestamptz [], $13::text [], $14::text []
) AS c
