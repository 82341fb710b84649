//! Every error reason of the contract: the shortest call that produces it, its code, and its documented metadata.

#![allow(clippy::unwrap_used)]

mod cases;
mod faults;

use std::collections::{BTreeMap, BTreeSet};

use cases::{CASES, Case};
use faults::{
    callers_who_may_not, damaged_report, database_unavailable, job_already_running, organization_changed,
    stream_too_long, too_many_changes, unknown_health_service,
};
use rollcall_testkit::{
    Fault, RefusedCall, TestServer,
    contract::{Rpc, pool},
    standard::{MigrationHistory, StandardOrganization},
};
use tonic::Code;

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
        (unknown_health_service().await, Code::NotFound, "SERVICE_NOT_FOUND"),
        (damaged_report().await, Code::DataLoss, "REPORT_DAMAGED"),
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

/// Calls a path that is no RPC of the contract, and RPCs with bytes that are no message or too many.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_transport_says_what_to_do() {
    let server = TestServer::start().await;
    let large = vec![b'x'; 5 << 20];
    for (path, message, code, says) in [
        ("/rollcall.v1.MemberService/GetNobody", vec![], Code::Unimplemented, "check the name of the service"),
        ("/rollcall.v1.NobodyService/GetMember", vec![], Code::Unimplemented, "check the name of the service"),
        ("/rollcall.v1.MemberService/GetMember", vec![0x0a, 0x7f], Code::InvalidArgument, "encode the request with"),
        ("/rollcall.v1.MemberService/GetMember", large, Code::InvalidArgument, "send less in one message"),
    ] {
        let refused =
            RefusedCall::of(&rollcall_testkit::call_raw(server.channel(), path, None, message).await.unwrap_err());
        let refused = refused.unwrap();
        assert_eq!((refused.code, refused.reason.as_str()), (code, "INVALID_REQUEST"), "{path}: {}", refused.message);
        assert!(refused.message.contains(says), "{path}: {}", refused.message);
    }
    server.stop().await;
}

/// Every RPC is called with an empty request and without a database: each error has a message and one `ErrorInfo`, and
/// only the error of a change speaks of a change.
#[tokio::test(flavor = "multi_thread")]
async fn no_error_of_any_rpc_is_without_a_message_or_its_error_info() {
    let (server, proxy) = TestServer::start_behind_proxy().await;
    let standard = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    standard.make("JobService/RunJob", r#"{"name": "jobs/mixed-settings-report"}"#).await.unwrap();
    let mut requests = Vec::new();
    for sample in rollcall_testkit::samples::SAMPLES {
        requests.push((sample.rpc, standard.request(sample.request).await.unwrap()));
    }
    for rpc in Rpc::all() {
        if let Err(status) = rpc.call(&server.channel(), &serde_json::json!({})).await {
            RefusedCall::of(&status).unwrap_or_else(|why| panic!("{}: {why}", rpc.name()));
        }
    }
    proxy.inject(Fault::Refuse);
    for (rpc, request) in requests {
        let Err(status) = Rpc::find(rpc).call(&server.channel(), &request).await else { continue };
        let refused = RefusedCall::of(&status).unwrap_or_else(|why| panic!("{rpc}: {why}"));
        if refused.is(Code::Unavailable, "STORE_UNAVAILABLE") {
            let is_change = Rpc::find(rpc).takes("request_id");
            assert_eq!(refused.message.contains("the change was made"), is_change, "{rpc}: {}", refused.message);
        }
    }
    server.stop().await;
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
    let is_name = |subject: &String| subject.starts_with("organizations/") || subject.starts_with("jobs/");
    if !refusal.subjects.iter().all(is_name) {
        wrong.push(format!("the subjects of the precondition failure are no resource names: {:?}", refusal.subjects));
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
