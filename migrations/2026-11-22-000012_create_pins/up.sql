-- Members who were moved to an assignment: the pin wins over order and mode (product.md 5).
CREATE TABLE pins (
    organization_id text COLLATE "C" NOT NULL,
    member_id text COLLATE "C" NOT NULL,
    assignment_id text COLLATE "C" NOT NULL,
    actor text NOT NULL,
    reason text NOT NULL,
    pinned_at timestamptz NOT NULL,
    CONSTRAINT pins_pkey PRIMARY KEY (organization_id, member_id),
    CONSTRAINT pins_member FOREIGN KEY (organization_id, member_id) REFERENCES members (organization_id, id),
    CONSTRAINT pins_assignment FOREIGN KEY (organization_id, assignment_id) REFERENCES assignments (organization_id, id)
);
