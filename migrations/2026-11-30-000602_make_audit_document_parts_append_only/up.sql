-- What was written stays as it was, as in the other tables of the audit.
REVOKE UPDATE, DELETE, TRUNCATE ON audit_document_parts FROM PUBLIC, CURRENT_USER;
