-- Which assignments and members each event touched, by name without the organization: what events are asked for by. A
-- member of whom `member_changes` has a row under the same revision is only there.
CREATE TABLE audit_subjects (
    organization_id text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    CONSTRAINT audit_subjects_pkey PRIMARY KEY (organization_id, subject, revision)
);
