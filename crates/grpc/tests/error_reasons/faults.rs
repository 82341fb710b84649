//! Errors that need more than one call: other limits, a lost database, a damaged report, or callers who may not call.

use std::time::Duration;

use rollcall_grpc::CallLimits;
use rollcall_store::Limits;
use rollcall_testkit::{
    Fault, RefusedCall, TestServer,
    contract::Rpc,
    issuer::TestIssuer,
    standard::{MigrationHistory, StandardOrganization},
};
use tonic::Code;

/// Requests a run of a job while another run of the job waits for a locked organization.
pub(crate) async fn job_already_running(server: &TestServer) -> RefusedCall {
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
pub(crate) async fn too_many_changes() -> RefusedCall {
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

pub(crate) async fn organization_changed() -> RefusedCall {
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

pub(crate) async fn stream_too_long() -> RefusedCall {
    let no_time = CallLimits { stream_time: Duration::ZERO, ..CallLimits::default() };
    let server = TestServer::start_with_calls(no_time).await;
    let standard = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    let request = standard.request(r#"{"parent": "$org"}"#).await.unwrap();
    let ended = Rpc::find("MemberService/ExportMembersCsv").call(&server.channel(), &request).await;
    server.stop().await;
    RefusedCall::of(&ended.unwrap_err()).unwrap()
}

pub(crate) async fn database_unavailable() -> RefusedCall {
    let (server, proxy) = TestServer::start_behind_proxy().await;
    let standard = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    proxy.inject(Fault::Refuse);
    let request = standard.request(r#"{"parent": "$org", "email": "ada@acme.example"}"#).await.unwrap();
    let check = Rpc::find("EmailExportService/CheckEmailExport");
    let refused = tokio::time::timeout(Duration::from_secs(30), check.call(&server.channel(), &request)).await;
    RefusedCall::of(&refused.unwrap().unwrap_err()).unwrap()
}

/// Downloads a file of a report that was changed, cut, and removed, in this order.
pub(crate) async fn damaged_report() -> RefusedCall {
    let server = TestServer::start().await;
    let standard = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    standard.make("JobService/RunJob", r#"{"name": "jobs/mixed-settings-report"}"#).await.unwrap();
    let found = standard.make("ReportService/ListReports", "{}").await.unwrap();
    let url = found["reports"][0]["url"].as_str().unwrap().to_owned();
    let file = std::path::Path::new(url.strip_prefix("file://").unwrap()).join("mixed-settings.csv");
    let download = async || {
        let request = standard.request(r#"{"name": "$report"}"#).await.unwrap();
        Rpc::find("ReportService/DownloadReport").call(&server.channel(), &request).await
    };
    download().await.unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[0] ^= 1;
    let mut refused = Vec::new();
    for damage in [Some(&bytes[..]), Some(&bytes[..bytes.len() - 1]), None] {
        match damage {
            Some(bytes) => std::fs::write(&file, bytes).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        refused.push(RefusedCall::of(&download().await.unwrap_err()).unwrap());
    }
    server.stop().await;
    assert_eq!(refused[..2], [refused[2].clone(), refused[2].clone()]);
    refused.remove(0)
}

pub(crate) async fn unknown_health_service() -> RefusedCall {
    let server = TestServer::start().await;
    let request = tonic_health::pb::HealthCheckRequest { service: "rollcall.v1.Nobody".to_owned() };
    let mut health = tonic_health::pb::health_client::HealthClient::new(server.channel());
    let refused = RefusedCall::of(&health.check(request).await.unwrap_err()).unwrap();
    server.stop().await;
    refused
}

/// Calls without a token, with a token that cannot be verified now, without the role, and for an organization of others.
pub(crate) async fn callers_who_may_not() -> Vec<(RefusedCall, Code, &'static str)> {
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
