-- Who began to hold an address, and when: one row for each time that a sync gives a member the address, or that the
-- member becomes active with it (product.md 4.10). The member of the last row holds the address. Like the history, the
-- rows have no foreign key. `is_exact` is false if the member held the address since an unknown earlier time.
CREATE TABLE address_holdings (
    organization_id text COLLATE "C" NOT NULL,
    email text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    member_id text COLLATE "C" NOT NULL,
    begins_at timestamptz NOT NULL,
    is_exact boolean NOT NULL,
    CONSTRAINT address_holdings_pkey PRIMARY KEY (organization_id, email, revision)
);
