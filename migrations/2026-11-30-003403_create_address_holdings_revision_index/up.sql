-- Finds the addresses that got another holder after a revision.
CREATE INDEX CONCURRENTLY address_holdings_revision_index ON address_holdings (organization_id, revision);
