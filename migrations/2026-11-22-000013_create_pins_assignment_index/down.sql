DROP INDEX CONCURRENTLY pins_assignment_index;
