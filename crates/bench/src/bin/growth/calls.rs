//! The measured calls: at least one for each RPC of the contract, except those that are named here with the reason.

/// What the answer, or the work that the call asks for, grows with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrowsWith {
    /// With nothing: the call should cost the same everywhere.
    Nothing,
    /// With the members of the organization.
    Members,
    /// With the assignments of the organization.
    Assignments,
    /// With the organizations.
    Organizations,
}

/// A measured call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GrowthCall {
    /// The RPC, as `Service/Method`.
    pub(crate) rpc: &'static str,
    /// What is special about this call of the RPC; may be empty.
    pub(crate) what: &'static str,
    /// The request as JSON. `$org` is the organization, `$old` the one in phase LEGACY, `$n` the number of the call, `$odd`
    /// its last bit, `$email` an address, `$m0` to `$m9` are members, `$group` is a group. `$order` is the list of all
    /// assignments, `$report` is a report, and `$run` is a run. `$revision` and the etags have their current values.
    pub(crate) request: &'static str,
    pub(crate) grows_with: GrowsWith,
}

const fn flat(rpc: &'static str, what: &'static str, request: &'static str) -> GrowthCall {
    GrowthCall { rpc, what, request, grows_with: GrowsWith::Nothing }
}

const fn grows(grows_with: GrowsWith, rpc: &'static str, what: &'static str, request: &'static str) -> GrowthCall {
    GrowthCall { rpc, what, request, grows_with }
}

/// The whole directory is sent again, and the whole CSV is read. These requests are made from the scene.
pub(crate) const FULL_SYNC: &str = "the whole directory again";

/// The calls, in the order in which they are made.
pub(crate) const CALLS: &[GrowthCall] = &[
    flat("EmailExportService/CheckEmailExport", "by id", r#"{"parent": "$org", "member": "$org/members/$m0"}"#),
    flat("EmailExportService/CheckEmailExport", "by address", r#"{"parent": "$org", "email": "$email"}"#),
    flat(
        "EmailExportService/BatchCheckEmailExport",
        "2",
        r#"{"parent": "$org", "items": [{"member": "$org/members/$m0"}, {"email": "$email"}]}"#,
    ),
    flat("OrganizationService/GetOrganization", "", r#"{"name": "$org"}"#),
    flat("OrganizationService/ListOrganizations", "100", r#"{"page_size": 100}"#),
    flat("OrganizationService/CreateOrganization", "", r#"{"organization_id": "created-$n"}"#),
    flat(
        "OrganizationService/UpdateOrganization",
        "",
        r#"{"organization": {"name": "$org", "display_name": "Name $n"}, "update_mask": "displayName"}"#,
    ),
    flat("OrganizationService/GetCatalog", "", r#"{"name": "$org/catalog"}"#),
    flat(
        "OrganizationService/UpdateCatalog",
        "a seat type",
        r#"{"catalog": {"name": "$org/catalog", "seat_types": [{"seat_type": "gong", "display_name": "Gong $n"}],
            "etag": "$catalog_etag"}, "update_mask": "seatTypes"}"#,
    ),
    flat("OrganizationService/GetSelfCheck", "", r#"{"name": "$org/selfCheck"}"#),
    flat("OrganizationService/ListSelfChecks", "100", r#"{"page_size": 100}"#),
    flat("AssignmentService/GetAssignment", "", r#"{"name": "$org/assignments/a-0000"}"#),
    flat("AssignmentService/ListAssignments", "10", r#"{"parent": "$org", "page_size": 10}"#),
    flat(
        "AssignmentService/CreateAssignment",
        "without groups, before the last",
        r#"{"parent": "$org", "assignment_id": "new-$n", "assignment": {"display_name": "New $n",
            "update_mode": "UPDATE_MODE_AUTOMATIC_UPDATES", "email_export": "EMAIL_EXPORT_EXPORT"}}"#,
    ),
    flat(
        "AssignmentService/UpdateAssignment",
        "a name",
        r#"{"assignment": {"name": "$org/assignments/new-$n", "display_name": "Name $n"}, "update_mask": "displayName"}"#,
    ),
    flat(
        "AssignmentService/MoveAssignment",
        "without groups, to the end",
        r#"{"name": "$org/assignments/manual", "position": $last}"#,
    ),
    flat("AssignmentService/DeleteAssignment", "without members", r#"{"name": "$org/assignments/new-$n"}"#),
    grows(
        GrowsWith::Assignments,
        "AssignmentService/ReorderAssignments",
        "the same order",
        r#"{"parent": "$org", "assignments": $order, "etag": "$order_etag"}"#,
    ),
    flat("AssignmentService/ListMixedAssignments", "none", r#"{"parent": "$org", "page_size": 10}"#),
    grows(GrowsWith::Assignments, "AssignmentService/LintAssignments", "10", r#"{"parent": "$org", "page_size": 10}"#),
    flat("MemberService/GetMember", "", r#"{"name": "$org/members/$m1"}"#),
    flat("MemberService/LookUpMember", "", r#"{"parent": "$org", "email": "$email"}"#),
    flat("MemberService/ListMembers", "100", r#"{"parent": "$org", "page_size": 100}"#),
    flat("MemberService/ExplainMember", "", r#"{"name": "$org/members/$m2"}"#),
    flat(
        "MemberService/MoveMembers",
        "one",
        r#"{"parent": "$org", "members": ["$org/members/$m3"], "assignment": "$org/assignments/manual", "reason": "$n"}"#,
    ),
    flat(
        "MemberService/UpdateMemberSettings",
        "",
        r#"{"member": {"name": "$org/members/$m3", "email_export": "$value"}, "update_mask": "emailExport"}"#,
    ),
    flat("MemberService/ListEmailExportChanges", "100", r#"{"parent": "$org/members/$m3", "page_size": 100}"#),
    flat("MemberService/ReleaseMembers", "one", r#"{"parent": "$org", "members": ["$org/members/$m3"]}"#),
    flat(
        "DirectoryService/SyncDirectory",
        "one person",
        r#"{"parent": "$org", "mode": "SYNC_MODE_DELTA", "members": [{"member": "$m4",
            "email": "other.$n@company.example", "status": "MEMBER_STATUS_ACTIVE"}]}"#,
    ),
    flat("DirectoryService/GetGroup", "", r#"{"name": "$org/groups/$group"}"#),
    flat("DirectoryService/ListGroups", "100", r#"{"parent": "$org", "page_size": 100}"#),
    flat("AuditService/ListAuditEvents", "10", r#"{"parent": "$org", "page_size": 10}"#),
    flat("AuditService/ListAuditEventMembers", "10", r#"{"parent": "$org/auditEvents/1", "page_size": 10}"#),
    flat("AuditService/ListJobAuditEvents", "10", r#"{"parent": "jobs/mixed-settings-report", "page_size": 10}"#),
    flat(
        "MigrationService/ImportLegacySettings",
        "one",
        r#"{"parent": "$old", "settings": [{"email": "later.$n@x.example", "email_export": "EMAIL_EXPORT_EXPORT"}]}"#,
    ),
    flat("MigrationService/GetMigration", "", r#"{"name": "$old/migration"}"#),
    flat("MigrationService/ListMigrations", "100", r#"{"page_size": 100}"#),
    flat("ReportService/GetReport", "", r#"{"name": "$report"}"#),
    flat("ReportService/ListReports", "", r#"{"page_size": 10}"#),
    flat("ReportService/DownloadReport", "changes.csv", r#"{"name": "$report", "file": "changes.csv"}"#),
    flat("JobService/ListJobs", "", "{}"),
    flat("JobService/GetJobRun", "", r#"{"name": "$run"}"#),
    flat("JobService/ListJobRuns", "10", r#"{"parent": "jobs/mixed-settings-report", "page_size": 10}"#),
    grows(GrowsWith::Members, "OrganizationService/CheckOrganization", "", r#"{"name": "$org"}"#),
    grows(GrowsWith::Members, "MigrationService/PlanMigration", "", r#"{"name": "$old/migration"}"#),
    grows(
        GrowsWith::Members,
        "AssignmentService/UpdateAssignment",
        "a value for all members of one",
        r#"{"assignment": {"name": "$org/assignments/a-0000", "email_export": "$value"}, "update_mask": "emailExport"}"#,
    ),
    grows(GrowsWith::Members, "DirectoryService/SyncDirectory", FULL_SYNC, ""),
    grows(GrowsWith::Members, "MemberService/ExportMembersCsv", "", r#"{"parent": "$org"}"#),
    grows(
        GrowsWith::Organizations,
        "JobService/RunJob",
        "mixed-settings-report",
        r#"{"name": "jobs/mixed-settings-report", "wait_timeout": "60s"}"#,
    ),
];

/// The RPCs that are not measured, with the reason.
#[cfg(test)]
const NOT_MEASURED: &[(&str, &str)] = &[
    ("MigrationService/RollBackMigration", "changes the phase once; the benchmark nightly measures the migration"),
    ("MigrationService/RetryMigration", "changes one row of a failed organization"),
    ("MigrationService/ChangeMigrations", "is a run of the two above over many organizations"),
    ("JobService/CancelJobRun", "needs a run that is in progress"),
];

#[cfg(test)]
mod tests {
    use rollcall_testkit::contract::Rpc;

    use super::*;

    #[test]
    fn every_rpc_is_measured_or_named() {
        for rpc in Rpc::all() {
            let name = rpc.name();
            let measured = CALLS.iter().any(|call| call.rpc == name);
            let named = NOT_MEASURED.iter().any(|(not_measured, _)| *not_measured == name);
            assert!(measured != named, "{name}");
        }
    }
}
