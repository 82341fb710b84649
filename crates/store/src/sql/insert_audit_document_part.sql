-- Inserts the part $4 of a document of the event of revision $2: of the one after the write, or of the one before.
INSERT INTO audit_document_parts (organization_id, revision, is_after, number, part)
VALUES ($1, $2, $3, $4, $5)
