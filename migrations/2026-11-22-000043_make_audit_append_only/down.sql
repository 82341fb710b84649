GRANT UPDATE, DELETE, TRUNCATE ON audit_events, audit_subjects, member_changes TO CURRENT_USER;
