//! Email export decisions from the memory of the server: fresh within their stated age, on several servers, without the
//! database, and within their memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics if its setup fails")]

mod batch;
mod checker;
mod memory;
mod outage;
mod replicas;

use std::time::Duration;

use rollcall_proto::v1::{
    Assignment, CheckEmailExportRequest, CheckEmailExportResponse, EmailExport, Phase, UpdateAssignmentRequest,
    UpdateMode, check_email_export_request::Subject, email_export_service_client::EmailExportServiceClient,
};
use rollcall_testkit::{DecisionOptions, Member, Org, TestServer};
use tonic::{Status, transport::Channel};

/// How long a state may take to be reached.
const PATIENCE: Duration = Duration::from_secs(60);

/// `ada` and `bob` export their emails, `cid` does not.
const MEMBERS: [Member; 3] =
    [Member::new("ada", &["sales"]), Member::new("bob", &["sales"]), Member::new("cid", &["eng"])];

/// Creates an organization with the assignments `sales` and `eng`.
async fn create<'a>(server: &'a TestServer, id: &'static str) -> Org<'a> {
    let org = Org::create(server, id, Phase::Migrated).await;
    org.sync(&MEMBERS).await;
    org.assign("sales", &["sales"], UpdateMode::AutomaticUpdates, Some(EmailExport::Export)).await;
    org.assign("eng", &["eng"], UpdateMode::ManualEditing, Some(EmailExport::DoNotExport)).await;
    org
}

/// Chooses a value on the assignment `sales`. Returns the revision token.
async fn choose(server: &TestServer, org: &Org<'_>, export: bool) -> String {
    let value = if export { EmailExport::Export } else { EmailExport::DoNotExport };
    let assignment = Assignment { name: org.assignment("sales"), email_export: value.into(), ..Default::default() };
    let request = UpdateAssignmentRequest { assignment: Some(assignment), ..Default::default() };
    server.assignments().update_assignment(request).await.unwrap().into_inner().revision
}

/// Returns the question whether an email of a member, by address, may be exported.
fn question(org: &Org<'_>, member: &str) -> CheckEmailExportRequest {
    let subject = Some(Subject::Email(org.email(member)));
    CheckEmailExportRequest { parent: org.name(), subject, ..Default::default() }
}

async fn ask(
    mut client: EmailExportServiceClient<Channel>,
    request: CheckEmailExportRequest,
) -> Result<CheckEmailExportResponse, Status> {
    client.check_email_export(request).await.map(tonic::Response::into_inner)
}

/// Returns the age of an answer.
fn age(answer: &CheckEmailExportResponse) -> Duration {
    answer.age.unwrap().try_into().unwrap()
}

/// Options with which a server learns nothing of the writes of others by itself.
fn never_polling() -> DecisionOptions {
    let hour = Duration::from_secs(60 * 60);
    DecisionOptions { poll_interval: hour, max_staleness: hour, listen: false, ..DecisionOptions::default() }
}
