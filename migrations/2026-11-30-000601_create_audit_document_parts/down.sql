DROP TABLE audit_document_parts;
