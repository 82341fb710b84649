-- The documents of audit events that are too large for one value, in parts: the text of the document is the text of its
-- parts in the order of `number`, which begins with 0. `is_after` says whether it is the document after the write or the
-- one before. The column of such a document in `audit_events` is null.
CREATE TABLE audit_document_parts (
    organization_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    is_after boolean NOT NULL,
    number integer NOT NULL,
    part text NOT NULL,
    CONSTRAINT audit_document_parts_pkey PRIMARY KEY (organization_id, revision, is_after, number),
    CONSTRAINT audit_document_parts_organization FOREIGN KEY (organization_id) REFERENCES organizations (id)
);
