//! Who may call: every RPC refuses callers without valid credentials, without its role, and of other organizations.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics if its setup fails")]

mod actors;
mod log_only;
mod organizations;
mod refused;
mod streams;

use std::collections::BTreeSet;

use rollcall_testkit::{
    RefusedCall, TestServer,
    contract::Rpc,
    issuer::TestIssuer,
    samples::SAMPLES,
    standard::{MigrationHistory, StandardOrganization},
};
use serde_json::Value;
use tonic::{Status, transport::Channel};

/// Every role.
const ROLES: [&str; 5] = ["TECH_ADMIN", "READER", "EXPORT_CHECKER", "REPORT_READER", "OPERATOR"];

/// The RPCs that concern all organizations, because their requests name none.
const SPANNING: [&str; 14] = [
    "AuditService/ListJobAuditEvents",
    "JobService/CancelJobRun",
    "JobService/GetJobRun",
    "JobService/ListJobRuns",
    "JobService/ListJobs",
    "JobService/RunJob",
    "MigrationService/ChangeMigrations",
    "MigrationService/ListMigrations",
    "OrganizationService/CreateOrganization",
    "OrganizationService/ListOrganizations",
    "OrganizationService/ListSelfChecks",
    "ReportService/DownloadReport",
    "ReportService/GetReport",
    "ReportService/ListReports",
];

/// Creates the organization `acme`, and returns a valid request of each sample of the contract for it.
async fn prepare_calls(server: &TestServer) -> Vec<(Rpc, Value)> {
    let acme = StandardOrganization::create(server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    acme.make("JobService/RunJob", r#"{"name": "jobs/mixed-settings-report"}"#).await.unwrap();
    let mut calls = Vec::new();
    for sample in SAMPLES {
        calls.push((Rpc::find(sample.rpc), acme.request(sample.request).await.unwrap()));
    }
    let tried: BTreeSet<String> = calls.iter().map(|(rpc, _)| rpc.name()).collect();
    assert_eq!(tried, Rpc::all().iter().map(Rpc::name).collect(), "add a sample to testkit/src/samples.rs");
    calls
}

/// Calls an RPC, and returns its refusal as text: the code, the reason, and the metadata; empty when it is not refused for
/// its caller.
async fn refusal(rpc: &Rpc, channel: &Channel, token: Option<&str>, request: &Value) -> String {
    match rpc.call_as(channel, token, request).await {
        Ok(_) => String::new(),
        Err(status) => describe(&status),
    }
}

fn describe(status: &Status) -> String {
    let refused = RefusedCall::of(status).unwrap();
    if !["UNAUTHENTICATED", "PERMISSION_DENIED"].contains(&refused.reason.as_str()) {
        return String::new();
    }
    let metadata: Vec<String> = refused.metadata.iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("{:?} {} {}", refused.code, refused.reason, metadata.join(" ")).trim_end().to_owned()
}

/// Returns a token with the role that an RPC declares.
fn token_for(issuer: &TestIssuer, rpc: &Rpc, organizations: &[&str]) -> String {
    issuer.token("ann", &[&rpc.role()], organizations)
}
