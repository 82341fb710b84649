-- Whose members match an assignment.
CREATE TABLE assignment_groups (
    organization_id text COLLATE "C" NOT NULL,
    assignment_id text COLLATE "C" NOT NULL,
    group_id text COLLATE "C" NOT NULL,
    CONSTRAINT assignment_groups_pkey PRIMARY KEY (organization_id, assignment_id, group_id),
    CONSTRAINT assignment_groups_assignment FOREIGN KEY (organization_id, assignment_id)
    REFERENCES assignments (organization_id, id),
    CONSTRAINT assignment_groups_group FOREIGN KEY (organization_id, group_id) REFERENCES groups (organization_id, id)
);
