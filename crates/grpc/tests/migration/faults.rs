//! Faults of the database during a run of the settings migration, as a caller sees them.

use rollcall_proto::v1::{JobRunState, ListMigrationsRequest, MigrationState, Phase};
use rollcall_testkit::{Member, Org, TestServer};

use super::{fail, migration, retry};

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_a_run_sets_aside_stays_pending_and_says_why() {
    let server = TestServer::start().await;
    let mut orgs = Vec::new();
    for id in ["a", "b", "c"] {
        let org = Org::create(&server, id, Phase::Legacy).await;
        org.sync(&[Member::new("m", &[])]).await;
        orgs.push(org);
    }
    let event = "BEFORE UPDATE ON members FOR EACH ROW WHEN (NEW.organization_id = 'b')";
    server.database.create_trigger("fault", event, "RAISE 'the disk is full' USING ERRCODE = '53100'").await;
    let run = fail(&server).await;
    assert_eq!((run.state(), run.attempt, run.outcome["organizations_set_aside"]), (JobRunState::Failed, 1, 1));
    let (found, _) = migration(&server, &orgs[1]).await;
    assert_eq!(found.state(), MigrationState::Pending);
    assert!(found.failure.contains("the next run tries it again") && run.failure.contains(&found.failure), "{run:?}");
    let listed = server.migration().list_migrations(ListMigrationsRequest::default()).await.unwrap().into_inner();
    let listed: Vec<_> = listed.migrations.into_iter().map(|listed| (listed.state(), listed.failure)).collect();
    let migrated = (MigrationState::Migrated, String::new());
    assert_eq!(listed, [migrated.clone(), (MigrationState::Pending, found.failure), migrated]);
    let retried = retry(&server, &orgs[1], false).await.unwrap().into_inner().migration.unwrap();
    assert_eq!((retried.state(), retried.failure.as_str()), (MigrationState::Pending, ""));
}
