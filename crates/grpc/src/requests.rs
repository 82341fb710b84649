//! The fields that all mutations have in common, all reads, and all lists.

use prost::Message;
use rollcall_proto::v1;

/// A request that changes something.
pub(crate) trait MutationRequest: Message {
    /// The name of the RPC, for the audit and for the idempotency key.
    const METHOD: &'static str;
    fn request_id(&self) -> &str;
    fn validate_only(&self) -> bool;
}

macro_rules! mutations {
    ($($request:ident = $method:literal),* $(,)?) => {
        $(impl MutationRequest for v1::$request {
            const METHOD: &'static str = $method;
            fn request_id(&self) -> &str {
                &self.request_id
            }
            fn validate_only(&self) -> bool {
                self.validate_only
            }
        })*
    };
}

mutations! {
    CreateOrganizationRequest = "CreateOrganization",
    UpdateOrganizationRequest = "UpdateOrganization",
    UpdateCatalogRequest = "UpdateCatalog",
    CreateAssignmentRequest = "CreateAssignment",
    UpdateAssignmentRequest = "UpdateAssignment",
    DeleteAssignmentRequest = "DeleteAssignment",
    MoveAssignmentRequest = "MoveAssignment",
    ReorderAssignmentsRequest = "ReorderAssignments",
    UpdateMemberSettingsRequest = "UpdateMemberSettings",
    MoveMembersRequest = "MoveMembers",
    ReleaseMembersRequest = "ReleaseMembers",
    SyncDirectoryRequest = "SyncDirectory",
    ImportLegacySettingsRequest = "ImportLegacySettings",
    RollBackMigrationRequest = "RollBackMigration",
    RetryMigrationRequest = "RetryMigration",
    ChangeMigrationsRequest = "ChangeMigrations",
    RunJobRequest = "RunJob",
    CancelJobRunRequest = "CancelJobRun",
}

/// A read that may ask for a revision.
pub(crate) trait ReadRequest {
    /// Takes the token of the oldest revision that the caller accepts; empty for any.
    fn take_at_least_revision(&mut self) -> String;
}

macro_rules! reads {
    ($($request:ident),* $(,)?) => {
        $(impl ReadRequest for v1::$request {
            fn take_at_least_revision(&mut self) -> String {
                std::mem::take(&mut self.at_least_revision)
            }
        })*
    };
}

reads! {
    GetOrganizationRequest,
    GetCatalogRequest,
    CheckOrganizationRequest,
    GetSelfCheckRequest,
    GetAssignmentRequest,
    ListAssignmentsRequest,
    ListMixedAssignmentsRequest,
    LintAssignmentsRequest,
    GetMemberRequest,
    LookUpMemberRequest,
    ListMembersRequest,
    ExplainMemberRequest,
    ListEmailExportChangesRequest,
    ExportMembersCsvRequest,
    GetGroupRequest,
    ListGroupsRequest,
    CheckEmailExportRequest,
    BatchCheckEmailExportRequest,
    PlanMigrationRequest,
    GetMigrationRequest,
    ListAuditEventsRequest,
    ListAuditEventMembersRequest,
}

/// Lists that span organizations are of no revision.
macro_rules! reads_without_revision {
    ($($request:ident),* $(,)?) => {
        $(impl ReadRequest for v1::$request {
            fn take_at_least_revision(&mut self) -> String {
                String::new()
            }
        })*
    };
}

reads_without_revision! {
    ListOrganizationsRequest,
    ListSelfChecksRequest,
    ListMigrationsRequest,
    ListJobsRequest,
    ListJobRunsRequest,
    ListJobAuditEventsRequest,
    ListReportsRequest,
}

/// A request for one page of a list.
pub(crate) trait ListRequest: ReadRequest + Message {
    /// The name of the RPC, which page tokens are bound to.
    const METHOD: &'static str;
    /// Takes `page_size` and `page_token`.
    fn take_page(&mut self) -> (i32, String);
}

macro_rules! lists {
    ($($request:ident = $method:literal),* $(,)?) => {
        $(impl ListRequest for v1::$request {
            const METHOD: &'static str = $method;
            fn take_page(&mut self) -> (i32, String) {
                (std::mem::take(&mut self.page_size), std::mem::take(&mut self.page_token))
            }
        })*
    };
}

lists! {
    ListOrganizationsRequest = "ListOrganizations",
    ListSelfChecksRequest = "ListSelfChecks",
    ListAssignmentsRequest = "ListAssignments",
    ListMixedAssignmentsRequest = "ListMixedAssignments",
    LintAssignmentsRequest = "LintAssignments",
    ExplainMemberRequest = "ExplainMember",
    PlanMigrationRequest = "PlanMigration",
    ListMembersRequest = "ListMembers",
    ListEmailExportChangesRequest = "ListEmailExportChanges",
    ListGroupsRequest = "ListGroups",
    ListMigrationsRequest = "ListMigrations",
    ListJobsRequest = "ListJobs",
    ListJobRunsRequest = "ListJobRuns",
    ListJobAuditEventsRequest = "ListJobAuditEvents",
    ListReportsRequest = "ListReports",
    ListAuditEventsRequest = "ListAuditEvents",
    ListAuditEventMembersRequest = "ListAuditEventMembers",
}
