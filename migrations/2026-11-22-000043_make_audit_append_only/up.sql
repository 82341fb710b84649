-- What was written stays as it was: these tables take new rows and nothing else, also from their owner, who can take
-- its own privileges away. Only a superuser is not held back by that.
REVOKE UPDATE, DELETE, TRUNCATE ON audit_events, audit_subjects, member_changes FROM PUBLIC, CURRENT_USER;
