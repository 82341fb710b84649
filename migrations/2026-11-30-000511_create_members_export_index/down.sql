DROP INDEX CONCURRENTLY members_export_index;
