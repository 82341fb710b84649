//! The steady load of the quiet organization, and the times of its answers.

use std::time::{Duration, Instant};

use rollcall_bench::{
    Result,
    requests::{create_assignment, settings},
};
use rollcall_proto::v1::{
    Assignment, CheckEmailExportRequest, CreateOrganizationRequest, DirectoryGroup, DirectoryMember, EmailExport,
    MemberStatus, Membership, Organization, Phase, SyncDirectoryRequest, SyncMode, UpdateAssignmentRequest,
    assignment_service_client::AssignmentServiceClient, check_email_export_request::Subject,
    directory_service_client::DirectoryServiceClient, email_export_service_client::EmailExportServiceClient,
    organization_service_client::OrganizationServiceClient,
};
use tokio::{task::JoinSet, time::interval};
use tonic::{Status, transport::Channel};

/// The number of members of the quiet organization.
const MEMBERS: usize = 1_000;
/// The time between two checks.
const CHECK_EVERY: Duration = Duration::from_millis(10);
/// The time between two writes.
const WRITE_EVERY: Duration = Duration::from_millis(100);

/// The answer to a call, without its message.
pub(crate) type Answer = std::result::Result<(), Status>;

/// The quiet organization.
#[derive(Clone, Debug)]
pub(crate) struct Quiet {
    channel: Channel,
}

/// The times of the answers to one kind of call.
#[derive(Debug, Default)]
pub(crate) struct Times {
    answered: Vec<Duration>,
    /// How many calls had an error.
    errors: usize,
}

/// What the quiet organization measured.
#[derive(Debug, Default)]
pub(crate) struct QuietLoad {
    checks: Times,
    writes: Times,
}

impl Quiet {
    /// Creates the organization.
    pub(crate) async fn create(channel: Channel) -> Result<Self> {
        create_organization(&channel, "quiet").await?;
        let id = |number: usize| format!("member-{number}");
        let member = |number: usize| DirectoryMember {
            member: id(number),
            email: format!("{}@quiet.example", id(number)),
            status: MemberStatus::Active.into(),
            ..Default::default()
        };
        let membership = |number: usize| Membership { group: "all".to_owned(), member: id(number) };
        let sync = SyncDirectoryRequest {
            parent: "organizations/quiet".to_owned(),
            mode: SyncMode::Full.into(),
            groups: vec![DirectoryGroup { group: "all".to_owned(), ..Default::default() }],
            members: (0..MEMBERS).map(member).collect(),
            memberships: (0..MEMBERS).map(membership).collect(),
            ..Default::default()
        };
        DirectoryServiceClient::new(channel.clone()).sync_directory(tokio_stream::once(sync)).await?;
        let groups = ["all"].into_iter();
        let all =
            create_assignment("organizations/quiet", "all".to_owned(), groups, settings(1), EmailExport::Export, 1);
        AssignmentServiceClient::new(channel.clone()).create_assignment(all).await?;
        Ok(Self { channel })
    }

    /// Checks a member by address.
    pub(crate) async fn check(&self, number: usize) -> Answer {
        let request = CheckEmailExportRequest {
            parent: "organizations/quiet".to_owned(),
            subject: Some(Subject::Email(format!("member-{}@quiet.example", number % MEMBERS))),
            ..Default::default()
        };
        EmailExportServiceClient::new(self.channel.clone()).check_email_export(request).await.map(drop)
    }

    /// Checks and writes at a steady rate, whether or not earlier calls have been answered.
    pub(crate) async fn measure(&self, length: Duration) -> QuietLoad {
        let checks = at_rate(length, CHECK_EVERY, |number| {
            let quiet = self.clone();
            async move { quiet.check(number).await }
        });
        let writes = at_rate(length, WRITE_EVERY, |number| rename(self.channel.clone(), "quiet", "all", number));
        let (checks, writes) = tokio::join!(checks, writes);
        QuietLoad { checks, writes }
    }
}

/// Creates a migrated organization.
pub(crate) async fn create_organization(channel: &Channel, id: &str) -> Result {
    let organization = Organization { phase: Phase::Migrated.into(), ..Default::default() };
    let request = CreateOrganizationRequest {
        organization_id: id.to_owned(),
        organization: Some(organization),
        ..Default::default()
    };
    OrganizationServiceClient::new(channel.clone()).create_organization(request).await?;
    Ok(())
}

/// Gives an assignment another display name.
pub(crate) async fn rename(channel: Channel, organization: &str, assignment: &str, number: usize) -> Answer {
    let assignment = Assignment {
        name: format!("organizations/{organization}/assignments/{assignment}"),
        display_name: format!("Name {number}"),
        ..Default::default()
    };
    let request = UpdateAssignmentRequest { assignment: Some(assignment), ..Default::default() };
    AssignmentServiceClient::new(channel).update_assignment(request).await.map(drop)
}

/// Begins a call at each tick. A call that waits is timed from its tick, so a slow server cannot hide waiting calls.
async fn at_rate<F>(length: Duration, every: Duration, call: impl Fn(usize) -> F) -> Times
where
    F: Future<Output = Answer> + Send + 'static,
{
    let (mut ticks, mut calls, begin) = (interval(every), JoinSet::new(), Instant::now());
    let mut number = 0;
    while begin.elapsed() < length {
        let due = ticks.tick().await.into_std();
        let call = call(number);
        calls.spawn(async move { call.await.map(|()| due.elapsed()) });
        number += 1;
    }
    let mut times = Times::default();
    while let Some(done) = calls.join_next().await {
        match done {
            Ok(Ok(took)) => times.answered.push(took),
            _ => times.errors += 1,
        }
    }
    times
}

impl Times {
    /// Times of answered calls.
    pub(crate) fn of(answered: Vec<Duration>) -> Self {
        Self { answered, errors: 0 }
    }

    /// Returns the time that this percentage of the answers does not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.answered.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(place).copied().unwrap_or_default()
    }
}

impl QuietLoad {
    /// Renders the times alone, the times beside the noisy organization, and their ratio.
    pub(crate) fn table(alone: &Self, disturbed: &Self) -> String {
        let mut text = String::from(
            "| quiet organization | alone | beside the noisy one | ratio | errors |\n|---|---|---|---|---|\n",
        );
        for (what, alone, disturbed) in [
            ("checks, 100 in a second", &alone.checks, &disturbed.checks),
            ("writes, 10 in a second", &alone.writes, &disturbed.writes),
        ] {
            for percent in [50, 99] {
                let (floor, now) = (alone.percentile(percent), disturbed.percentile(percent));
                let ratio = now.as_secs_f64() / floor.as_secs_f64();
                let errors = disturbed.errors;
                text += &format!("| {what}: p{percent} | {floor:.2?} | {now:.2?} | {ratio:.2} | {errors} |\n");
            }
        }
        text
    }
}
