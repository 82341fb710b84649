-- Requests that carried a request_id, with the first response: for a day the same one is answered
-- again instead of made again (api.md, AIP-155). What is asked above all organizations, such as
-- creating one, is kept under `-`, which is no organization's id.
CREATE TABLE requests (
    organization_id text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    fingerprint bytea NOT NULL,
    response bytea NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT requests_pkey PRIMARY KEY (organization_id, id)
);
