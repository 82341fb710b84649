DROP TABLE assignment_groups;
