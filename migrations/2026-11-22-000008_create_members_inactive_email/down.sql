DROP INDEX CONCURRENTLY members_inactive_email;
