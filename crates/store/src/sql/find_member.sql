-- The member $2, with the columns of list_members.sql. A prepared statement cannot have the optional conditions of that
-- file: with a plan for any values it would read all members.
SELECT
    m.id,
    m.email,
    m.given_name,
    m.family_name,
    m.job_title,
    m.manager_email,
    m.active,
    m.assignment_id,
    m.settings_id,
    m.email_export,
    m.email_export_since,
    m.email_export_source,
    m.updated_revision,
    m.created_at,
    m.updated_at,
    p.assignment_id AS pin_assignment,
    p.actor AS pin_actor,
    p.reason AS pin_reason,
    p.pinned_at,
    array(
        SELECT ms.group_id FROM memberships AS ms
        WHERE ms.organization_id = $1 AND ms.member_id = m.id
        ORDER BY ms.group_id
    ) AS groups
FROM members AS m
LEFT JOIN pins AS p ON p.organization_id = $1 AND p.member_id = m.id
WHERE m.organization_id = $1 AND m.id = $2
