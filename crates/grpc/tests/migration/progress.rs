//! The progress of the current run of the migration.

use rollcall_proto::v1::{GetMigrationRequest, ListMigrationsRequest, MigrationProgress, Phase, RunJobRequest};
use rollcall_testkit::{Member, Org, TestServer};

async fn progress(server: &TestServer) -> Option<MigrationProgress> {
    let request = GetMigrationRequest { name: "organizations/b/migration".to_owned(), ..Default::default() };
    server.migration().get_migration(request).await.unwrap().into_inner().progress
}

#[tokio::test(flavor = "multi_thread")]
async fn a_current_run_reports_its_progress_and_remaining_time() {
    let server = TestServer::start().await;
    for id in ["a", "b", "c"] {
        let org = Org::create(&server, id, Phase::Legacy).await;
        org.sync(&[Member::new("one", &[]), Member::new("two", &[])]).await;
    }
    assert_eq!(progress(&server).await, None);
    // The run waits for the lock of the second organization until this transaction ends.
    let client = server.database.client().await;
    let hold = "BEGIN; SELECT FROM members WHERE organization_id = 'b' FOR UPDATE";
    client.batch_execute(hold).await.unwrap();
    let wait_timeout = Some(prost_types::Duration::default());
    let request = RunJobRequest { name: "jobs/settings-migration".to_owned(), wait_timeout, ..Default::default() };
    let run = server.jobs().run_job(request).await.unwrap().into_inner().run.unwrap();
    let running = loop {
        if let Some(running) = progress(&server).await
            && running.organizations_done == 1
        {
            break running;
        }
    };
    let MigrationProgress { members_per_second, time_left, .. } = running;
    let expected = MigrationProgress {
        run: run.name.clone(),
        organizations_done: 1,
        organizations_total: 3,
        members_done: 2,
        members_total: 6,
        members_per_second,
        time_left,
    };
    assert_eq!(running, expected);
    assert!(time_left.is_some());
    let listed = server.migration().list_migrations(ListMigrationsRequest::default()).await.unwrap().into_inner();
    let MigrationProgress { members_per_second, time_left, .. } = listed.progress.clone().unwrap();
    assert_eq!(listed.progress, Some(MigrationProgress { members_per_second, time_left, ..expected }));
    client.batch_execute("COMMIT").await.unwrap();
    while progress(&server).await.is_some() {}
    let org = Org::create(&server, "d", Phase::Migrated).await;
    assert_eq!(org.run_job("settings-migration").await.outcome["organizations_total"], 0);
}
