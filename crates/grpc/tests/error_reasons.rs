//! Every error reason of the contract: the shortest call that produces it, its code, and its documented metadata.

#![allow(clippy::unwrap_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rollcall_grpc::CallLimits;
use rollcall_store::Limits;
use rollcall_testkit::{
    Fault, RefusedCall, TestServer,
    contract::{Rpc, pool},
    issuer::TestIssuer,
    standard::{MigrationHistory, StandardOrganization},
};
use tonic::Code;

/// A refused call on a standard organization.
struct Case {
    reason: &'static str,
    code: Code,
    history: MigrationHistory,
    /// The calls that succeed before the refused one.
    before: &'static [(&'static str, &'static str)],
    rpc: &'static str,
    request: &'static str,
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
const CASES: &[Case] = &[
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
    case("GROUP_NOT_FOUND", Code::NotFound, "DirectoryService/GetGroup", r#"{"name": "$org/groups/nobody"}"#),
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

#[tokio::test(flavor = "multi_thread")]
async fn every_reason_is_produced_by_a_call_and_none_is_unused() {
    let server = TestServer::start().await;
    let (mut found, mut seen) = (Vec::new(), BTreeMap::new());
    for (number, case) in CASES.iter().enumerate() {
        match refuse(&server, &format!("org-{number}"), case).await {
            Ok(refusal) => {
                found.extend(wrong(&refusal, case.code, case.reason));
                note(&mut seen, refusal);
            }
            Err(why) => found.push(format!("{}: {why}", case.reason)),
        }
    }
    let already_running = job_already_running(&server).await;
    // A test has one database at a time.
    server.stop().await;
    for (told, code, reason) in [
        (already_running, Code::FailedPrecondition, "JOB_ALREADY_RUNNING"),
        (too_many_changes().await, Code::ResourceExhausted, "OVERLOADED"),
        (organization_changed().await, Code::Aborted, "ORGANIZATION_CHANGED"),
        (stream_too_long().await, Code::DeadlineExceeded, "STREAM_TIME_LIMIT"),
        (database_unavailable().await, Code::Unavailable, "STORE_UNAVAILABLE"),
    ]
    .into_iter()
    .chain(callers_who_may_not().await)
    {
        found.extend(wrong(&told, code, reason));
        note(&mut seen, told);
    }
    for (reason, comment) in reasons() {
        let (named, sent) = (named_keys(&comment), seen.get(&reason).cloned().unwrap_or_default());
        if seen.contains_key(&reason) && named != sent {
            found.push(format!("{reason}: the metadata {sent:?} is sent, and {named:?} is what its comment names"));
        }
    }
    let unused = reasons().filter(|(reason, _)| !seen.contains_key(reason));
    let unused: Vec<String> = unused.map(|(reason, _)| reason).collect();
    if !unused.is_empty() {
        found.push(format!("no call produces {unused:?}"));
    }
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
}

/// Makes the call of a case, on its own organization. Returns the error.
async fn refuse(server: &TestServer, id: &str, case: &Case) -> Result<RefusedCall, String> {
    let standard = StandardOrganization::create(server, id, case.history).await?;
    for (rpc, request) in case.before {
        standard.make(rpc, request).await?;
    }
    let request = standard.request(case.request).await?;
    match Rpc::find(case.rpc).call(&server.channel(), &request).await {
        Ok(answer) => Err(format!("{} {request} was answered {answer}", case.rpc)),
        Err(status) => RefusedCall::of(&status),
    }
}

/// Requests a run of a job while another run of the job waits for a locked organization.
async fn job_already_running(server: &TestServer) -> RefusedCall {
    let locked = StandardOrganization::create(server, "locked", MigrationHistory::Legacy).await.unwrap();
    let locking = server.database.client().await;
    locking.batch_execute("BEGIN; SELECT FROM organizations WHERE id = 'locked' FOR UPDATE").await.unwrap();
    locked.make("JobService/RunJob", r#"{"name": "jobs/settings-migration", "wait_timeout": "0s"}"#).await.unwrap();
    let again = locked.request(r#"{"name": "jobs/settings-migration"}"#).await.unwrap();
    let refused = Rpc::find("JobService/RunJob").call(&server.channel(), &again).await.unwrap_err();
    locking.batch_execute("COMMIT").await.unwrap();
    RefusedCall::of(&refused).unwrap()
}

/// Changes an organization that is locked, on a server where no change may wait for another one.
async fn too_many_changes() -> RefusedCall {
    let server = TestServer::start_with_limits(Limits { waiting_writes: 0, ..Limits::default() }).await;
    let standard = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    let locking = server.database.client().await;
    locking.batch_execute("BEGIN; SELECT FROM organizations WHERE id = 'acme' FOR UPDATE").await.unwrap();
    let request = standard.request(r#"{"name": "$org/assignments/eng", "position": 1}"#).await.unwrap();
    let moved = Rpc::find("AssignmentService/MoveAssignment");
    let channel = server.channel();
    let refused = tokio::select! {
        refused = moved.call(&channel, &request) => refused,
        refused = async {
            server.wait_for_queued_writes("acme", 1).await;
            moved.call(&channel, &request).await
        } => refused,
    };
    locking.batch_execute("COMMIT").await.unwrap();
    let refused = RefusedCall::of(&refused.unwrap_err()).unwrap();
    server.stop().await;
    refused
}

async fn organization_changed() -> RefusedCall {
    let server = TestServer::start().await;
    let standard = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    let found = standard.make("OrganizationService/GetOrganization", r#"{"name": "$org"}"#).await.unwrap();
    let moved = r#"{"name": "$org/assignments/eng", "position": 1}"#;
    standard.make("AssignmentService/MoveAssignment", moved).await.unwrap();
    let request = standard.request(r#"{"parent": "$org", "after": "$org/members/ada"}"#).await;
    let mut request = request.unwrap();
    request["revision"] = found["revision"].clone();
    let refused = Rpc::find("MemberService/ExportMembersCsv").call(&server.channel(), &request).await;
    server.stop().await;
    RefusedCall::of(&refused.unwrap_err()).unwrap()
}

async fn stream_too_long() -> RefusedCall {
    let no_time = CallLimits { stream_time: Duration::ZERO, ..CallLimits::default() };
    let server = TestServer::start_with_calls(no_time).await;
    let standard = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    let request = standard.request(r#"{"parent": "$org"}"#).await.unwrap();
    let ended = Rpc::find("MemberService/ExportMembersCsv").call(&server.channel(), &request).await;
    server.stop().await;
    RefusedCall::of(&ended.unwrap_err()).unwrap()
}

async fn database_unavailable() -> RefusedCall {
    let (server, proxy) = TestServer::start_behind_proxy().await;
    let standard = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    proxy.inject(Fault::Refuse);
    let request = standard.request(r#"{"parent": "$org", "email": "ada@acme.example"}"#).await.unwrap();
    let check = Rpc::find("EmailExportService/CheckEmailExport");
    let refused = tokio::time::timeout(Duration::from_secs(30), check.call(&server.channel(), &request)).await;
    RefusedCall::of(&refused.unwrap().unwrap_err()).unwrap()
}

/// Calls without a token, with a token that cannot be verified now, without the role, and for an organization of others.
async fn callers_who_may_not() -> Vec<(RefusedCall, Code, &'static str)> {
    let server = TestServer::start().await;
    let issuer = TestIssuer::start().await;
    issuer.answer_discovery("HTTP/1.1 503 Service Unavailable\r\n\r\n");
    let without_keys = server.serve_guarded(&issuer).await;
    let (token, get) = (issuer.token("ann", &["READER"], &["other"]), Rpc::find("OrganizationService/GetOrganization"));
    let request = serde_json::json!({"name": "organizations/acme"});
    let unverified = get.call_as(&without_keys, Some(&token), &request).await.unwrap_err();
    let issuer = TestIssuer::start().await;
    let channel = server.serve_guarded(&issuer).await;
    let (reader, nobody) = (issuer.token("ann", &["READER"], &["other"]), issuer.token("ann", &[], &["acme"]));
    let mut refused = vec![(RefusedCall::of(&unverified).unwrap(), Code::Unavailable, "UNAUTHENTICATED")];
    for (token, code, reason) in [
        (None, Code::Unauthenticated, "UNAUTHENTICATED"),
        (Some(nobody), Code::PermissionDenied, "PERMISSION_DENIED"),
        (Some(reader), Code::PermissionDenied, "PERMISSION_DENIED"),
    ] {
        let status = get.call_as(&channel, token.as_deref(), &request).await.unwrap_err();
        refused.push((RefusedCall::of(&status).unwrap(), code, reason));
    }
    server.stop().await;
    refused
}

/// Returns the violations of the contract in an error.
fn wrong(refusal: &RefusedCall, code: Code, reason: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if !refusal.is(code, reason) {
        wrong.push(format!("it is {:?} {}", refusal.code, refusal.reason));
    }
    let comment = reasons().find(|(known, _)| *known == refusal.reason).map(|(_, comment)| comment).unwrap_or_default();
    if !comment.contains(&name_of(refusal.code)) {
        wrong.push(format!("the comment does not tell the code {:?}: {comment}", refusal.code));
    }
    if refusal.precondition != (refusal.code == Code::FailedPrecondition) {
        wrong.push(format!("precondition failure: {}", refusal.precondition));
    }
    if refusal.retry != matches!(refusal.code, Code::Unavailable | Code::ResourceExhausted) {
        wrong.push(format!("retry info: {}", refusal.retry));
    }
    wrong.into_iter().map(|what| format!("{reason}: {what} ({})", refusal.message)).collect()
}

/// Returns every reason of the contract with its comment.
fn reasons() -> impl Iterator<Item = (String, String)> {
    let reasons = pool().get_enum_by_name("rollcall.v1.ErrorReason").unwrap();
    let file = reasons.parent_file();
    let locations = file.file_descriptor_proto().source_code_info.clone().unwrap_or_default().location;
    let values: Vec<_> = reasons.values().filter(|value| value.number() != 0).collect();
    values.into_iter().map(move |value| {
        let commented = locations.iter().find(|location| location.path == value.path());
        let comment = commented.and_then(|location| location.leading_comments.clone()).unwrap_or_default();
        let reason = value.name().trim_start_matches("ERROR_REASON_").to_owned();
        (reason, comment.split_whitespace().collect::<Vec<_>>().join(" "))
    })
}

/// Returns the keys that a comment lists after the word metadata.
fn named_keys(comment: &str) -> BTreeSet<String> {
    let named = comment.split_once("etadata").map(|(_, rest)| rest).unwrap_or_default();
    let quoted = named.split('`').skip(1).step_by(2);
    quoted.filter(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '_')).map(str::to_owned).collect()
}

/// Returns the metadata keys sent with each reason.
fn note(seen: &mut BTreeMap<String, BTreeSet<String>>, refusal: RefusedCall) {
    seen.entry(refusal.reason).or_default().extend(refusal.metadata.into_keys());
}

/// Returns the name of a status code in the contract.
fn name_of(code: Code) -> String {
    let name = format!("{code:?}");
    let words = name.chars().flat_map(|c| c.is_uppercase().then_some('_').into_iter().chain([c.to_ascii_uppercase()]));
    words.collect::<String>().trim_start_matches('_').to_owned()
}
