-- The assignments in evaluation order, without their settings.
SELECT a.id, a.display_name, a.update_mode
FROM assignments AS a
WHERE a.organization_id = $1
ORDER BY a.rank
