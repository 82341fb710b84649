//! The refused calls of the test: for each reason the shortest call that produces it, and its code.

use rollcall_testkit::standard::MigrationHistory;
use tonic::Code;

/// A refused call on a standard organization.
pub(crate) struct Case {
    pub(crate) reason: &'static str,
    pub(crate) code: Code,
    pub(crate) history: MigrationHistory,
    /// The calls that succeed before the refused one.
    pub(crate) before: &'static [(&'static str, &'static str)],
    pub(crate) rpc: &'static str,
    pub(crate) request: &'static str,
}

const fn case(reason: &'static str, code: Code, rpc: &'static str, request: &'static str) -> Case {
    Case { reason, code, history: MigrationHistory::CreatedMigrated, before: &[], rpc, request }
}

const fn of(history: MigrationHistory, case: Case) -> Case {
    Case { history, ..case }
}

const fn after(before: &'static [(&'static str, &'static str)], case: Case) -> Case {
    Case { before, ..case }
}

/// The first case of each reason is the shortest call.
pub(crate) const CASES: &[Case] = &[
    case(
        "ORGANIZATION_NOT_FOUND",
        Code::NotFound,
        "OrganizationService/GetOrganization",
        r#"{"name": "organizations/nobody"}"#,
    ),
    case(
        "ASSIGNMENT_NOT_FOUND",
        Code::NotFound,
        "AssignmentService/GetAssignment",
        r#"{"name": "$org/assignments/nobody"}"#,
    ),
    case("MEMBER_NOT_FOUND", Code::NotFound, "MemberService/GetMember", r#"{"name": "$org/members/nobody"}"#),
    case(
        "MEMBER_NOT_FOUND",
        Code::NotFound,
        "MemberService/ReleaseMembers",
        r#"{"parent": "$org", "members": ["$org/members/nobody", "$org/members/neither"]}"#,
    ),
    case(
        "MEMBER_NOT_FOUND",
        Code::NotFound,
        "MemberService/LookUpMember",
        r#"{"parent": "$org", "email": "nobody@$id.example"}"#,
    ),
    case("GROUP_NOT_FOUND", Code::NotFound, "DirectoryService/GetGroup", r#"{"name": "$org/groups/nobody"}"#),
    case(
        "AUDIT_EVENT_NOT_FOUND",
        Code::NotFound,
        "AuditService/ListAuditEventMembers",
        r#"{"parent": "$org/auditEvents/9999"}"#,
    ),
    case("REPORT_NOT_FOUND", Code::NotFound, "ReportService/GetReport", r#"{"name": "reports/nobody"}"#),
    case("REPORT_NOT_FOUND", Code::NotFound, "ReportService/DownloadReport", r#"{"name": "reports/nobody"}"#),
    case("JOB_NOT_FOUND", Code::NotFound, "JobService/RunJob", r#"{"name": "jobs/nobody"}"#),
    case(
        "JOB_NOT_FOUND",
        Code::NotFound,
        "JobService/GetJobRun",
        r#"{"name": "jobs/settings-migration/runs/0193f0c4-0000-7000-8000-000000000000"}"#,
    ),
    case("INVALID_REQUEST", Code::InvalidArgument, "OrganizationService/GetOrganization", "{}"),
    after(
        &[("JobService/RunJob", r#"{"name": "jobs/mixed-settings-report"}"#)],
        case(
            "INVALID_REQUEST",
            Code::OutOfRange,
            "ReportService/DownloadReport",
            r#"{"name": "$report", "offset": "1000000"}"#,
        ),
    ),
    case(
        "STALE_ETAG",
        Code::Aborted,
        "AssignmentService/DeleteAssignment",
        r#"{"name": "$org/assignments/sales", "etag": "stale"}"#,
    ),
    case(
        "ORDER_SET_MISMATCH",
        Code::InvalidArgument,
        "AssignmentService/ReorderAssignments",
        r#"{"parent": "$org", "etag": "$order_etag"}"#,
    ),
    case(
        "ORDER_SET_MISMATCH",
        Code::InvalidArgument,
        "AssignmentService/ReorderAssignments",
        r#"{"parent": "$org", "etag": "$order_etag", "assignments": ["$org/assignments/a", "$org/assignments/b"]}"#,
    ),
    case(
        "ORDER_SET_MISMATCH",
        Code::InvalidArgument,
        "AssignmentService/ReorderAssignments",
        r#"{"parent": "$org", "etag": "$order_etag", "assignments": [
            "$org/assignments/eng", "$org/assignments/sales", "$org/assignments/eng"
        ]}"#,
    ),
    after(
        &[(
            "MemberService/ReleaseMembers",
            r#"{"parent": "$org", "members": ["$org/members/ada"],
                "request_id": "0193f0c4-0000-7000-8000-00000000000a"}"#,
        )],
        case(
            "REQUEST_ID_REUSED",
            Code::AlreadyExists,
            "MemberService/ReleaseMembers",
            r#"{"parent": "$org", "members": ["$org/members/bob"],
                "request_id": "0193f0c4-0000-7000-8000-00000000000a"}"#,
        ),
    ),
    case(
        "ALREADY_EXISTS",
        Code::AlreadyExists,
        "OrganizationService/CreateOrganization",
        r#"{"organization_id": "$id"}"#,
    ),
    case(
        "ALREADY_EXISTS",
        Code::AlreadyExists,
        "AssignmentService/CreateAssignment",
        r#"{"parent": "$org", "assignment_id": "sales", "assignment": {
            "display_name": "Sales", "groups": ["$org/groups/sales"], "email_export": "EMAIL_EXPORT_EXPORT"
        }}"#,
    ),
    of(
        MigrationHistory::MigratedByJob,
        case(
            "EMAIL_EXPORT_UNRESOLVED",
            Code::FailedPrecondition,
            "AssignmentService/UpdateAssignment",
            r#"{"assignment": {"name": "$org/assignments/sales"}}"#,
        ),
    ),
    of(
        MigrationHistory::Legacy,
        case(
            "EMAIL_EXPORT_NOT_MIGRATED",
            Code::FailedPrecondition,
            "AssignmentService/UpdateAssignment",
            r#"{"assignment": {"name": "$org/assignments/sales", "email_export": "EMAIL_EXPORT_EXPORT"}}"#,
        ),
    ),
    case(
        "EMAIL_EXPORT_ALREADY_MIGRATED",
        Code::FailedPrecondition,
        "MigrationService/ImportLegacySettings",
        r#"{"parent": "$org"}"#,
    ),
    case(
        "EMAIL_EXPORT_REQUIRED",
        Code::InvalidArgument,
        "AssignmentService/CreateAssignment",
        r#"{"parent": "$org", "assignment": {"display_name": "New", "groups": ["$org/groups/idle"]}}"#,
    ),
    case(
        "MEMBER_LOCKED_BY_ASSIGNMENT",
        Code::FailedPrecondition,
        "MemberService/UpdateMemberSettings",
        r#"{"member": {"name": "$org/members/bob", "email_export": "EMAIL_EXPORT_DO_NOT_EXPORT"}}"#,
    ),
    case(
        "FIELD_OWNED_BY_IDP",
        Code::InvalidArgument,
        "MemberService/UpdateMemberSettings",
        r#"{"member": {"name": "$org/members/ada", "email": "other@$id.example"}}"#,
    ),
    case(
        "FIELD_OWNED_BY_IDP",
        Code::InvalidArgument,
        "MemberService/UpdateMemberSettings",
        r#"{"member": {"name": "$org/members/ada"}, "update_mask": "email"}"#,
    ),
    case(
        "DEFAULT_ASSIGNMENT_FIXED",
        Code::FailedPrecondition,
        "AssignmentService/DeleteAssignment",
        r#"{"name": "$org/assignments/default"}"#,
    ),
    case(
        "DEFAULT_ASSIGNMENT_FIXED",
        Code::FailedPrecondition,
        "AssignmentService/MoveAssignment",
        r#"{"name": "$org/assignments/default", "position": 1}"#,
    ),
    case(
        "DEFAULT_ASSIGNMENT_FIXED",
        Code::FailedPrecondition,
        "AssignmentService/UpdateAssignment",
        r#"{"assignment": {"name": "$org/assignments/default", "groups": ["$org/groups/idle"]}}"#,
    ),
    case(
        "ASSIGNMENT_HAS_MEMBERS",
        Code::FailedPrecondition,
        "AssignmentService/DeleteAssignment",
        r#"{"name": "$org/assignments/sales"}"#,
    ),
    case(
        "CONTRADICTORY_DATA_CAPTURE",
        Code::InvalidArgument,
        "AssignmentService/UpdateAssignment",
        r#"{"assignment": {"name": "$org/assignments/sales", "settings": {
            "data_capture": {"emails_imported": true, "prevent_email_import": true}
        }}}"#,
    ),
    case(
        "UNKNOWN_SEAT_TYPE",
        Code::InvalidArgument,
        "AssignmentService/UpdateAssignment",
        r#"{"assignment": {"name": "$org/assignments/sales", "settings": {"seats": ["nobody"]}}}"#,
    ),
    case(
        "UNKNOWN_PERMISSION_PROFILE",
        Code::InvalidArgument,
        "AssignmentService/UpdateAssignment",
        r#"{"assignment": {"name": "$org/assignments/sales", "settings": {"home_workspace": "nowhere"}}}"#,
    ),
    case(
        "SEAT_PREREQUISITE_MISSING",
        Code::InvalidArgument,
        "AssignmentService/UpdateAssignment",
        r#"{"assignment": {"name": "$org/assignments/sales", "settings": {"seats": ["forecast"]}}}"#,
    ),
    case(
        "CATALOG_ENTRY_IN_USE",
        Code::FailedPrecondition,
        "OrganizationService/UpdateCatalog",
        r#"{"catalog": {"name": "$org/catalog", "etag": "$catalog_etag"}}"#,
    ),
    after(
        &[(
            "OrganizationService/UpdateOrganization",
            r#"{"organization": {"name": "$org", "mass_change_limit": {}}, "update_mask": "massChangeLimit"}"#,
        )],
        case(
            "MASS_CHANGE_BLOCKED",
            Code::FailedPrecondition,
            "DirectoryService/SyncDirectory",
            r#"{"parent": "$org", "mode": "SYNC_MODE_FULL"}"#,
        ),
    ),
    of(
        MigrationHistory::MigratedByJob,
        after(
            &[(
                "AssignmentService/UpdateAssignment",
                r#"{"assignment": {"name": "$org/assignments/sales", "email_export": "EMAIL_EXPORT_EXPORT"}}"#,
            )],
            case(
                "MIGRATION_ROLLBACK_TOO_LATE",
                Code::FailedPrecondition,
                "MigrationService/RollBackMigration",
                r#"{"name": "$org/migration"}"#,
            ),
        ),
    ),
    of(
        MigrationHistory::MigratedByJob,
        after(
            &[(
                "MemberService/UpdateMemberSettings",
                r#"{"member": {"name": "$org/members/ada", "email_export": "EMAIL_EXPORT_DO_NOT_EXPORT"}}"#,
            )],
            case(
                "MIGRATION_ROLLBACK_TOO_LATE",
                Code::FailedPrecondition,
                "MigrationService/RollBackMigration",
                r#"{"name": "$org/migration"}"#,
            ),
        ),
    ),
    case(
        "MIGRATION_ROLLBACK_TOO_LATE",
        Code::FailedPrecondition,
        "MigrationService/RollBackMigration",
        r#"{"name": "$org/migration"}"#,
    ),
];
