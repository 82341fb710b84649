-- Inserts new groups, and updates the names and the presence of known ones.
INSERT INTO groups (organization_id, id, display_name, present)
SELECT $1, g.id, g.display_name, g.present
FROM unnest($2::text [], $3::text [], $4::boolean []) AS g (id, display_name, present)
ON CONFLICT (organization_id, id) DO UPDATE SET
display_name = excluded.display_name,
present = excluded.present
