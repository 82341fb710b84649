//! What operators change while a run of the settings migration is in progress.

use rollcall_proto::v1::{
    GetJobRunRequest, JobRun, JobRunState, MigrationState, Organization, Phase, RunJobRequest,
    UpdateOrganizationRequest,
};
use rollcall_testkit::{BlockedSessions, Member, Org, TestServer};
use tokio_postgres::Client;

use super::{YES, break_setting_of, import, migration, retry, send, setting};

/// Creates two organizations, each with a member who exports.
async fn two_organizations(server: &TestServer) -> [Org<'_>; 2] {
    let organizations = [Org::create(server, "a", Phase::Legacy).await, Org::create(server, "b", Phase::Legacy).await];
    for org in &organizations {
        org.sync(&[Member::new("m", &[])]).await;
        let email = org.get_member("m").await.email.clone();
        send(server, vec![import(org, vec![setting(&email, YES)])]).await.unwrap();
    }
    organizations
}

/// Starts a run that waits inside the migration of an organization, until `client` commits. Returns the run's name.
async fn start_run_that_waits_for(server: &TestServer, client: &Client, organization: &str) -> String {
    let hold = format!("BEGIN; SELECT FROM members WHERE organization_id = '{organization}' FOR UPDATE");
    client.batch_execute(&hold).await.unwrap();
    let wait_timeout = Some(prost_types::Duration::default());
    let request = RunJobRequest { name: "jobs/settings-migration".to_owned(), wait_timeout, ..Default::default() };
    let name = server.jobs().run_job(request).await.unwrap().into_inner().run.unwrap().name;
    BlockedSessions::of(&server.database).await.wait_for(1).await;
    name
}

async fn wait_for_end(server: &TestServer, name: &str) -> JobRun {
    loop {
        let request = GetJobRunRequest { name: name.to_owned() };
        let run = server.jobs().get_job_run(request).await.unwrap().into_inner().run.unwrap();
        if run.end_time.is_some() {
            return run;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_moves_to_a_later_wave_is_not_migrated() {
    let server = TestServer::start().await;
    let [first, second] = two_organizations(&server).await;
    let client = server.database.client().await;
    // The run has listed both organizations.
    let run = start_run_that_waits_for(&server, &client, "a").await;
    let organization = Organization { name: second.name(), wave: Some(7), ..Default::default() };
    let update_mask = Some(prost_types::FieldMask { paths: vec!["wave".to_owned()] });
    let update = UpdateOrganizationRequest { organization: Some(organization), update_mask, ..Default::default() };
    server.organizations().update_organization(update).await.unwrap();
    client.batch_execute("COMMIT").await.unwrap();

    let run = wait_for_end(&server, &run).await;
    assert_eq!((run.state(), run.outcome["organizations_migrated"]), (JobRunState::Succeeded, 1), "{run:?}");
    assert_eq!(migration(&server, &first).await.0.state(), MigrationState::Migrated);
    assert_eq!(migration(&server, &second).await.0.state(), MigrationState::Pending);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_succeeds_when_its_failed_organization_is_repaired_and_retried() {
    let server = TestServer::start().await;
    let [first, second] = two_organizations(&server).await;
    let (client, administrator) = (server.database.client().await, server.database.client().await);
    // Only the first organization has this member.
    first.sync(&[Member::new("m", &[]), Member::new("unlucky", &[])]).await;
    send(&server, vec![import(&first, vec![setting(&first.get_member("unlucky").await.email, YES)])]).await.unwrap();
    break_setting_of(&server, "unlucky").await;
    let run = start_run_that_waits_for(&server, &client, "b").await;
    assert_eq!(migration(&server, &first).await.0.state(), MigrationState::Failed);

    let repair = "CREATE OR REPLACE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$";
    administrator.batch_execute(repair).await.unwrap();
    retry(&server, &first, false).await.unwrap();
    client.batch_execute("COMMIT").await.unwrap();

    let run = wait_for_end(&server, &run).await;
    assert_eq!((run.state(), run.failure.as_str()), (JobRunState::Succeeded, ""), "{run:?}");
    let counts = ["organizations_migrated", "organizations_failed"].map(|name| run.outcome[name]);
    assert_eq!(counts, [2, 0]);
    for org in [&first, &second] {
        assert_eq!(migration(&server, org).await.0.state(), MigrationState::Migrated);
    }
}
