-- Removes the chosen value of every assignment: in phase LEGACY there is none.
UPDATE assignments AS a
SET email_export = NULL, updated_revision = $2, updated_at = $3
WHERE a.organization_id = $1
