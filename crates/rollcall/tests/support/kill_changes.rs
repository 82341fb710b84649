//! A run that rolls the migrations of four organizations of 500 members back.

use std::time::Duration;

use rollcall_proto::v1::{ChangeMigrationsRequest, GetJobRunRequest, JobRun, JobRunState, MigrationAction};
use tokio::{task::JoinHandle, time::sleep};

use super::{
    kill_migration::{self as migration, ORGANIZATIONS},
    kill_moment::{Answer, INSERT_EVENT, Moment, Stop, UPDATE_MEMBERS, UPDATE_ORGANIZATION},
    kill_seed::member,
    kill_server::Server,
    kill_trial::Trial,
};

/// Creates the organizations, and migrates them.
pub(crate) async fn seed(server: &Server) {
    migration::seed(server).await;
    migration::migrate(server).await.unwrap().unwrap();
}

/// Requests the rollback of every migrated organization, and waits for its success.
pub(crate) fn roll_back(server: &Server) -> JoinHandle<Answer> {
    let mut client = server.migration();
    let request = ChangeMigrationsRequest {
        action: MigrationAction::RollBack.into(),
        filter: "wave = 0 AND state = MIGRATED".to_owned(),
        wait_timeout: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        ..Default::default()
    };
    tokio::spawn(async move {
        let run = client.change_migrations(request).await?.into_inner().run.unwrap();
        assert_eq!(run.state(), JobRunState::Succeeded, "{run:?}");
        Ok(())
    })
}

/// The number of kinds of [`stop_in`].
pub(crate) const STOPS: usize = 6;

/// Returns a stop in the rollback of an organization. The number selects the kind of statement.
pub(crate) fn stop_in(organization: &str, kind: usize, number: usize) -> Moment {
    // The stop passes the earlier organizations, and stops this one after it has begun to write members.
    let mut stops = vec![Stop::at_member(UPDATE_MEMBERS, organization, &member(number))];
    stops.extend(match kind {
        0 => None,
        1 => Some(Stop::at_table("UPDATE assignments", "assignments")),
        2 => Some(Stop::at_table(UPDATE_ORGANIZATION, "organizations")),
        3 => Some(Stop::at_table(r#"INSERT INTO "settings_migrations""#, "settings_migrations")),
        4 => Some(Stop::at_table(INSERT_EVENT, "audit_events")),
        // The outcome and the position of the run, after everything else.
        _ => Some(Stop::at_row(r#"SELECT "job_runs"."outcome""#, "job_runs", "state = 'RUNNING'")),
    });
    Moment::At(stops)
}

/// Returns how many organizations are rolled back.
pub(crate) async fn rolled_back(trial: &Trial) -> i64 {
    trial.observer.count("SELECT count(*) FROM settings_migrations WHERE state = 'ROLLED_BACK'").await
}

/// Lets the new server take over the run of the dead one, and checks that each organization was rolled back once.
pub(crate) async fn assert_taken_over(trial: &Trial) {
    let expire = "UPDATE job_runs SET lease_until = clock_timestamp() - interval '1 second'
        WHERE state = 'RUNNING' AND attempt = 1";
    trial.observer.sql.execute(expire, &[]).await.unwrap();
    let run = the_run(trial).await;
    assert_eq!((run.state(), run.attempt), (JobRunState::Succeeded, 2), "{run:?}");
    let counts = ["organizations_changed", "organizations_unchanged", "organizations_refused"];
    assert_eq!(counts.map(|count| run.outcome[count]), [4, 0, 0], "each is counted once: {run:?}");
    let count = i64::try_from(ORGANIZATIONS.len()).unwrap();
    assert_eq!(rolled_back(trial).await, count);
    let events = format!(
        "SELECT count(*) FROM audit_events WHERE method = 'ChangeMigrations' AND after ->> 'run' = '{}'",
        run.name
    );
    assert_eq!(trial.observer.count(&events).await, count, "each has one event, which names the run");
    let all = "SELECT count(*) FROM audit_events WHERE method = 'ChangeMigrations'";
    assert_eq!(trial.observer.count(all).await, count);
    trial.observer.assert_consistent().await;
}

/// Waits for the end of the run.
async fn the_run(trial: &Trial) -> JobRun {
    let name = "SELECT 'jobs/migration-changes/runs/' || id FROM job_runs WHERE job = 'migration-changes'";
    let name: String = trial.observer.sql.query_one(name, &[]).await.unwrap().get(0);
    for _ in 0..600 {
        let request = GetJobRunRequest { name: name.clone() };
        let run = trial.server().jobs().get_job_run(request).await.unwrap().into_inner().run.unwrap();
        if ![JobRunState::Pending, JobRunState::Running].contains(&run.state()) {
            return run;
        }
        sleep(Duration::from_millis(100)).await;
    }
    panic!("the run does not end")
}
