-- Who is in which group.
CREATE TABLE memberships (
    organization_id text COLLATE "C" NOT NULL,
    member_id text COLLATE "C" NOT NULL,
    group_id text COLLATE "C" NOT NULL,
    CONSTRAINT memberships_pkey PRIMARY KEY (organization_id, member_id, group_id),
    CONSTRAINT memberships_member FOREIGN KEY (organization_id, member_id) REFERENCES members (organization_id, id),
    CONSTRAINT memberships_group FOREIGN KEY (organization_id, group_id) REFERENCES groups (organization_id, id)
);
