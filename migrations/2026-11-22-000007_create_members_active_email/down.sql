DROP INDEX CONCURRENTLY members_active_email;
