-- One row: what all replicas of this installation share.
CREATE TABLE installation (
    id boolean NOT NULL,
    page_token_key bytea NOT NULL,
    CONSTRAINT installation_pkey PRIMARY KEY (id),
    CONSTRAINT installation_only_one CHECK (id)
);
