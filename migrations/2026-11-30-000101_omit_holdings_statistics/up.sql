-- A table of members keeps no statistics of organizations: see migrations/README.md.
DO $$
BEGIN
    ALTER TABLE address_holdings ALTER COLUMN organization_id SET STATISTICS 0;
END
$$;
