-- Postgres keeps no statistics of which organizations the members are of. They would be full of the large ones, and a
-- statement about another one would be planned for nobody at all: it would read all members once for each member. Without
-- them an organization counts as a 200th of the table. (Saying the type again drops what was kept before.)
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['members', 'memberships', 'pins', 'pending_seats', 'member_changes'] LOOP
        EXECUTE format('ALTER TABLE %I ALTER COLUMN organization_id SET STATISTICS 0', name);
        IF EXISTS (
            SELECT FROM pg_stats AS s
            WHERE s.schemaname = current_schema() AND s.tablename = name AND s.attname = 'organization_id'
        ) THEN
            EXECUTE format('ALTER TABLE %I ALTER COLUMN organization_id TYPE text COLLATE "C"', name);
        END IF;
    END LOOP;
END
$$;
