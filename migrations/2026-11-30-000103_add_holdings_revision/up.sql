-- The revision up to which `address_holdings` is complete. The release before writes no holdings, so its writes leave
-- this revision behind. The next write of this release first reads them from the audit.
ALTER TABLE organizations ADD COLUMN holdings_revision bigint NOT NULL DEFAULT 0;
