DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['members', 'memberships', 'pins', 'pending_seats', 'member_changes'] LOOP
        EXECUTE format('ALTER TABLE %I ALTER COLUMN organization_id SET STATISTICS -1', name);
    END LOOP;
END
$$;
