//! Valid requests, at least one for each RPC of the contract. The tests of API conventions use them. Each request
//! contains the fields that a convention concerns, so that a test can make them invalid.

use crate::standard::MigrationHistory;

/// A valid request.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// The RPC, as `Service/Method`.
    pub rpc: &'static str,
    /// The migration history of the organization.
    pub history: MigrationHistory,
    /// The template of the request; see [`crate::standard::StandardOrganization::request`]. A list has at least
    /// two items.
    pub request: &'static str,
    /// For a change: a field, and another value for which the request is also valid.
    pub other: Option<(&'static str, &'static str)>,
}

const fn read(rpc: &'static str, request: &'static str) -> Sample {
    Sample { rpc, history: MigrationHistory::CreatedMigrated, request, other: None }
}

const fn change(rpc: &'static str, request: &'static str, other: (&'static str, &'static str)) -> Sample {
    Sample { rpc, history: MigrationHistory::CreatedMigrated, request, other: Some(other) }
}

const fn with_history(history: MigrationHistory, sample: Sample) -> Sample {
    Sample { history, ..sample }
}

/// All samples.
pub const SAMPLES: &[Sample] = &[
    // Organizations.
    change(
        "OrganizationService/CreateOrganization",
        r#"{"organization_id": "$id-new", "organization": {"display_name": "New"}}"#,
        ("/organization/display_name", "Newer"),
    ),
    read("OrganizationService/GetOrganization", r#"{"name": "$org"}"#),
    read("OrganizationService/ListOrganizations", "{}"),
    change(
        "OrganizationService/UpdateOrganization",
        r#"{"organization": {"name": "$org", "display_name": "Renamed"}, "update_mask": "displayName"}"#,
        ("/organization/display_name", "Otherwise"),
    ),
    read("OrganizationService/GetCatalog", r#"{"name": "$org/catalog"}"#),
    change(
        "OrganizationService/UpdateCatalog",
        r#"{"catalog": {
            "name": "$org/catalog",
            "seat_types": [
                {"seat_type": "gong"}, {"seat_type": "forecast", "requires": ["gong"]}, {"seat_type": "engage", "total": 9}
            ],
            "workspaces": [{"workspace": "emea", "profiles": [{"profile": "seller"}, {"profile": "manager"}]}],
            "etag": "$catalog_etag"
        }}"#,
        ("/catalog/seat_types/0/display_name", "Gong"),
    ),
    read("OrganizationService/CheckOrganization", r#"{"name": "$org"}"#),
    read("OrganizationService/GetSelfCheck", r#"{"name": "$org/selfCheck"}"#),
    read("OrganizationService/ListSelfChecks", "{}"),
    // Assignments.
    change(
        "AssignmentService/CreateAssignment",
        r#"{"parent": "$org", "assignment_id": "first", "position": 1, "assignment": {
            "display_name": "First", "groups": ["$org/groups/sales", "$org/groups/idle"],
            "update_mode": "UPDATE_MODE_AUTOMATIC_UPDATES", "settings": {"seats": ["engage"]},
            "email_export": "EMAIL_EXPORT_DO_NOT_EXPORT"
        }}"#,
        ("/assignment/display_name", "Also first"),
    ),
    read("AssignmentService/GetAssignment", r#"{"name": "$org/assignments/sales"}"#),
    read("AssignmentService/ListAssignments", r#"{"parent": "$org"}"#),
    change(
        "AssignmentService/UpdateAssignment",
        r#"{"assignment": {
            "name": "$org/assignments/sales", "display_name": "Sales", "groups": ["$org/groups/sales"],
            "email_export": "EMAIL_EXPORT_DO_NOT_EXPORT"
        }, "update_mask": "displayName,groups,emailExport"}"#,
        ("/assignment/display_name", "Sellers"),
    ),
    change(
        "AssignmentService/DeleteAssignment",
        r#"{"name": "$org/assignments/sales", "resolve_members": true}"#,
        ("/name", "$org/assignments/eng"),
    ),
    change(
        "AssignmentService/MoveAssignment",
        r#"{"name": "$org/assignments/eng", "position": 1}"#,
        ("/name", "$org/assignments/sales"),
    ),
    change(
        "AssignmentService/ReorderAssignments",
        r#"{"parent": "$org", "assignments": ["$org/assignments/eng", "$org/assignments/sales"], "etag": "$order_etag"}"#,
        ("/etag", "another"),
    ),
    with_history(
        MigrationHistory::MigratedByJob,
        read("AssignmentService/ListMixedAssignments", r#"{"parent": "$org"}"#),
    ),
    with_history(MigrationHistory::MigratedByJob, read("AssignmentService/LintAssignments", r#"{"parent": "$org"}"#)),
    // Members.
    read("MemberService/GetMember", r#"{"name": "$org/members/ada"}"#),
    read("MemberService/LookUpMember", r#"{"parent": "$org", "email": "Ada@$id.example"}"#),
    read("MemberService/ListMembers", r#"{"parent": "$org"}"#),
    read("MemberService/ListMembers", r#"{"parent": "$org", "filter": "group = sales"}"#),
    read("MemberService/ListMembers", r#"{"parent": "$org", "filter": "status = ACTIVE"}"#),
    read("MemberService/ListMembers", r#"{"parent": "$org", "filter": "text : \"@$id.example\" AND status = ACTIVE"}"#),
    read("MemberService/ListMembers", r#"{"parent": "$org", "assignment": "$org/assignments/sales"}"#),
    change(
        "MemberService/UpdateMemberSettings",
        r#"{"member": {
            "name": "$org/members/ada", "settings": {"seats": ["engage"]}, "email_export": "EMAIL_EXPORT_EXPORT"
        }, "update_mask": "settings,emailExport"}"#,
        ("/member/email_export", "EMAIL_EXPORT_DO_NOT_EXPORT"),
    ),
    change(
        "MemberService/MoveMembers",
        r#"{
            "parent": "$org", "members": ["$org/members/cid", "$org/members/ada"],
            "assignment": "$org/assignments/eng", "reason": "asked for it"
        }"#,
        ("/reason", "asked for something else"),
    ),
    change(
        "MemberService/ReleaseMembers",
        r#"{"parent": "$org", "members": ["$org/members/dot", "$org/members/ada"]}"#,
        ("/members/1", "$org/members/bob"),
    ),
    read("MemberService/ExplainMember", r#"{"name": "$org/members/bob"}"#),
    read("MemberService/ListEmailExportChanges", r#"{"parent": "$org/members/cid"}"#),
    read("MemberService/ExportMembersCsv", r#"{"parent": "$org"}"#),
    read(
        "MemberService/ExportMembersCsv",
        r#"{"parent": "$org", "after": "$org/members/bob", "revision": "$revision"}"#,
    ),
    // Directory.
    change(
        "DirectoryService/SyncDirectory",
        r#"{"parent": "$org", "mode": "SYNC_MODE_DELTA", "members": [
            {"member": "fay", "email": "fay@$id.example", "status": "MEMBER_STATUS_ACTIVE"}
        ], "memberships": [{"group": "sales", "member": "fay"}, {"group": "sales", "member": "ada"}]}"#,
        ("/members/0/email", "fay.other@$id.example"),
    ),
    read("DirectoryService/GetGroup", r#"{"name": "$org/groups/sales"}"#),
    read("DirectoryService/ListGroups", r#"{"parent": "$org"}"#),
    // Email export.
    read("EmailExportService/CheckEmailExport", r#"{"parent": "$org", "member": "$org/members/bob"}"#),
    read("EmailExportService/CheckEmailExport", r#"{"parent": "$org", "email": "Bob@$id.example"}"#),
    read(
        "EmailExportService/CheckEmailExport",
        r#"{"parent": "$org", "email": "Bob@$id.example", "fully_consistent": true}"#,
    ),
    read(
        "EmailExportService/BatchCheckEmailExport",
        r#"{"parent": "$org", "items": [{"email": "Bob@$id.example"}, {"email": "ada@$id.example"}]}"#,
    ),
    read(
        "EmailExportService/BatchCheckEmailExport",
        r#"{"parent": "$org", "items": [{"email": "Bob@$id.example"}, {"email": "ada@$id.example"}],
            "fully_consistent": true}"#,
    ),
    // Migration.
    with_history(
        MigrationHistory::Legacy,
        change(
            "MigrationService/ImportLegacySettings",
            r#"{"parent": "$org", "settings": [
                {"email": "ada@$id.example", "email_export": "EMAIL_EXPORT_DO_NOT_EXPORT"},
                {"email": "later@$id.example", "email_export": "EMAIL_EXPORT_EXPORT"}
            ]}"#,
            ("/settings/0/email", "bob@$id.example"),
        ),
    ),
    with_history(MigrationHistory::Legacy, read("MigrationService/PlanMigration", r#"{"name": "$org/migration"}"#)),
    with_history(
        MigrationHistory::MigratedByJob,
        read("MigrationService/GetMigration", r#"{"name": "$org/migration"}"#),
    ),
    read("MigrationService/ListMigrations", "{}"),
    with_history(
        MigrationHistory::MigratedByJob,
        change("MigrationService/RollBackMigration", r#"{"name": "$org/migration"}"#, COMMON_FIELD),
    ),
    with_history(
        MigrationHistory::RolledBack,
        change("MigrationService/RetryMigration", r#"{"name": "$org/migration"}"#, COMMON_FIELD),
    ),
    change(
        "MigrationService/ChangeMigrations",
        r#"{"action": "MIGRATION_ACTION_RETRY", "organizations": ["$org"], "wait_timeout": "60s"}"#,
        ("/wait_timeout", "59s"),
    ),
    // Reports and jobs.
    read("ReportService/GetReport", r#"{"name": "$report"}"#),
    read("ReportService/ListReports", "{}"),
    read("ReportService/DownloadReport", r#"{"name": "$report"}"#),
    change(
        "JobService/RunJob",
        r#"{"name": "jobs/mixed-settings-report", "wait_timeout": "60s"}"#,
        ("/wait_timeout", "59s"),
    ),
    read("JobService/ListJobs", "{}"),
    read("JobService/GetJobRun", r#"{"name": "$run"}"#),
    read("JobService/ListJobRuns", r#"{"parent": "jobs/mixed-settings-report"}"#),
    change("JobService/CancelJobRun", r#"{"name": "$run"}"#, COMMON_FIELD),
    // Audit.
    read("AuditService/ListAuditEvents", r#"{"parent": "$org"}"#),
    read(
        "AuditService/ListAuditEvents",
        r#"{"parent": "$org", "member": "$org/members/bob", "assignment": "$org/assignments/sales"}"#,
    ),
    read("AuditService/ListAuditEventMembers", r#"{"parent": "$org/auditEvents/3"}"#),
    read("AuditService/ListJobAuditEvents", r#"{"parent": "jobs/mixed-settings-report"}"#),
];

/// For a request with no fields of its own: only the name and the fields of every change.
const COMMON_FIELD: (&str, &str) = ("/validate_only", "true");
