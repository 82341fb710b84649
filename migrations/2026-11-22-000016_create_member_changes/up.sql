-- Every change of what a member has, one row a member and revision (product.md 4.9). When and by
-- whom is in audit_events under the same revision.
CREATE TABLE member_changes (
    organization_id text COLLATE "C" NOT NULL,
    member_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    cause text NOT NULL,
    assignment_before text,
    assignment_after text NOT NULL,
    settings_before uuid,
    settings_after uuid NOT NULL,
    email_export_before text,
    email_export_after text,
    email_export_since_before timestamptz,
    email_export_since_after timestamptz,
    email_export_source_before text,
    email_export_source_after text,
    CONSTRAINT member_changes_pkey PRIMARY KEY (organization_id, member_id, revision),
    CONSTRAINT member_changes_cause CHECK (
        cause IN ('ASSIGNMENT_EDITED', 'ENTERED_ASSIGNMENT', 'EDITED_BY_HAND', 'BECAME_ACTIVE', 'MIGRATION')
    )
);
