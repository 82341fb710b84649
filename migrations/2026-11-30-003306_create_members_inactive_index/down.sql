DROP INDEX CONCURRENTLY members_inactive;
