-- What was written stays as it was, as in the other tables of the audit.
REVOKE UPDATE, DELETE, TRUNCATE ON job_audit_events FROM PUBLIC, CURRENT_USER;
