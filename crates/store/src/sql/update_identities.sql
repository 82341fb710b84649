-- Writes the identities of members and whether they are active, as the identity provider sent them.
UPDATE members AS m
SET
    email = u.email,
    given_name = u.given_name,
    family_name = u.family_name,
    job_title = u.job_title,
    manager_email = u.manager_email,
    active = u.active,
    updated_revision = $9,
    updated_at = $10
FROM unnest($2::text [], $3::text [], $4::text [], $5::text [], $6::text [], $7::text [], $8::boolean [])
    AS u (id, email, given_name, family_name, job_title, manager_email, active)
WHERE m.organization_id = $1 AND m.id = u.id
