//! A run of the settings migration over four organizations of 500 members.

use std::{collections::BTreeMap, time::Duration};

use rollcall_proto::v1::{
    CheckEmailExportRequest, GetJobRunRequest, GetMigrationRequest, JobRun, JobRunState, MigrationState, Phase,
    RunJobRequest, check_email_export_request,
};
use tokio::{task::JoinHandle, time::sleep};

use super::{
    kill_moment::{Answer, INSERT_CHANGES, INSERT_EVENT, Moment, Stop, UPDATE_MEMBERS, UPDATE_ORGANIZATION},
    kill_seed::{self as seed, NewAssignment, Person, member},
    kill_server::Server,
    kill_trial::{Trial, Undisturbed},
};

const JOB: &str = "jobs/settings-migration";

/// The organizations in the order of their migration.
pub(crate) const ORGANIZATIONS: [&str; 4] = ["org-0", "org-1", "org-2", "org-3"];

/// Creates the organizations with their legacy settings.
pub(crate) async fn seed(server: &Server) {
    // The legacy settings of group 1 agree. The others do not.
    let group = |number: usize| if !number.is_multiple_of(3) && !number.is_multiple_of(5) { 1 } else { number % 4 };
    let person = |number: usize| Person {
        number,
        name: "Given".to_owned(),
        groups: vec![group(number)],
        active: number % 10 != 9,
    };
    let people: Vec<Person> = (0..500).map(person).collect();
    let assignment = |(id, group, automatic): (&str, usize, bool)| NewAssignment {
        id: id.to_owned(),
        groups: vec![group],
        automatic,
        export: None,
    };
    let assignments = [("agree", 1, true), ("differ", 0, true), ("manual", 2, false), ("nobody", 1, true)];
    for organization in ORGANIZATIONS {
        seed::organization(server, organization, Phase::Legacy, &people, &assignments.map(assignment)).await;
        seed::import(server, organization, 0..500).await;
    }
}

/// Requests a run, and waits for its success.
pub(crate) fn migrate(server: &Server) -> JoinHandle<Answer> {
    let mut client = server.jobs();
    let wait_timeout = Some(prost_types::Duration { seconds: 60, nanos: 0 });
    let request = RunJobRequest { name: JOB.to_owned(), wait_timeout, ..Default::default() };
    tokio::spawn(async move {
        let run = client.run_job(request).await?.into_inner().run.unwrap();
        assert_eq!(run.state(), JobRunState::Succeeded, "{run:?}");
        Ok(())
    })
}

/// Returns the answers for some members of every organization: active and inactive ones, with and without a legacy
/// setting, and an unknown one.
pub(crate) async fn answers(server: &Server) -> Vec<String> {
    let mut answers = Vec::new();
    for organization in ORGANIZATIONS {
        for number in [0, 1, 2, 3, 5, 9, 19, 29, 100, 498, 499, 500] {
            let parent = format!("organizations/{organization}");
            let name = format!("{parent}/members/{}", seed::member(number));
            let subject = Some(check_email_export_request::Subject::Member(name.clone()));
            let request = CheckEmailExportRequest { parent, subject, ..Default::default() };
            let answer = server.email_export().check_email_export(request).await.unwrap().into_inner();
            answers.push(format!("{name}: {} {:?} {:?}", answer.export, answer.reason(), answer.export_since));
        }
    }
    answers
}

/// Waits for the end of the only run.
async fn the_run(trial: &Trial) -> JobRun {
    let name = format!("SELECT '{JOB}/runs/' || id FROM job_runs");
    let name: String = trial.observer.sql.query_one(&name, &[]).await.unwrap().get(0);
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

/// Lets the new server take over the run of the dead one, and checks that the result is undisturbed. After a kill at
/// a random moment, the run may have ended before.
pub(crate) async fn assert_taken_over(trial: &Trial, undisturbed: &Undisturbed, must: bool) {
    // Expires the lease of the dead process: waiting twenty times for 30 seconds would take too long.
    let expire = "UPDATE job_runs SET lease_until = clock_timestamp() - interval '1 second'
        WHERE state = 'RUNNING' AND attempt = 1";
    trial.observer.sql.execute(expire, &[]).await.unwrap();
    let attempt = assert_as_undisturbed(trial, undisturbed).await;
    assert!(attempt == 2 || (attempt == 1 && !must), "it is at attempt {attempt}");
}

/// Waits for the end of the only run, and checks that the result is undisturbed. Returns the number of attempts.
pub(crate) async fn assert_as_undisturbed(trial: &Trial, undisturbed: &Undisturbed) -> i32 {
    let run = the_run(trial).await;
    assert_eq!(run.state(), JobRunState::Succeeded, "{run:?}");
    let counts = ["organizations_migrated", "members", "organizations_failed", "organizations_skipped"];
    assert_eq!(counts.map(|count| run.outcome[count]), [4, 2000, 0, 0], "each is counted once: {run:?}");
    trial.assert_state(&undisturbed.once).await;
    for organization in ORGANIZATIONS {
        let name = format!("organizations/{organization}/migration");
        let request = GetMigrationRequest { name, ..Default::default() };
        let migration = trial.server().migration().get_migration(request).await.unwrap().into_inner().migration;
        let (state, proof) = migration.map(|migration| (migration.state(), migration.proof.unwrap())).unwrap();
        assert_eq!((state, proof.members_compared, proof.differences), (MigrationState::Migrated, 500, 0));
        assert_eq!(proof.digest_before, proof.digest_after);
    }
    let events = "SELECT organization_id, count(*) FROM audit_events WHERE method = 'settings-migration' GROUP BY 1";
    let events = trial.observer.sql.query(events, &[]).await.unwrap();
    let events: BTreeMap<String, i64> = events.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(events, ORGANIZATIONS.map(|organization| (organization.to_owned(), 1)).into());
    run.attempt
}

/// The number of kinds of [`stop_in`].
pub(crate) const STOPS: usize = 7;

/// Returns a stop in the migration of an organization. The number selects the kind of statement.
pub(crate) fn stop_in(organization: &str, kind: usize, number: usize) -> Moment {
    // The stop passes the earlier organizations, and stops this one after it has begun to write members.
    let mut stops = vec![Stop::at_member(UPDATE_MEMBERS, organization, &member(number))];
    stops.extend(match kind {
        0 => None,
        1 => Some(Stop::at_table(INSERT_CHANGES, "member_changes")),
        2 => Some(Stop::at_table("UPDATE assignments", "assignments")),
        3 => Some(Stop::at_table(UPDATE_ORGANIZATION, "organizations")),
        4 => Some(Stop::at_table(r#"INSERT INTO "settings_migrations""#, "settings_migrations")),
        5 => Some(Stop::at_table(INSERT_EVENT, "audit_events")),
        // The progress and the outcome of the run.
        _ => Some(Stop::at_row(r#"SELECT "job_runs"."outcome""#, "job_runs", "state = 'RUNNING'")),
    });
    Moment::At(stops)
}

/// A stop in the first organization, and in any other one.
pub(crate) fn stops_of_two(number: usize) -> [Stop; 2] {
    let first = ORGANIZATIONS[0];
    let others = format!(
        "SELECT count(*) FROM (SELECT FROM members WHERE organization_id <> '{first}' FOR NO KEY UPDATE) AS held"
    );
    [Stop::at_member(UPDATE_MEMBERS, first, &member(number)), Stop::locking(UPDATE_MEMBERS, &others)]
}

/// A stop after the migration of all organizations and before the end of the run.
pub(crate) fn stop_at_end(last: &str, number: usize) -> Moment {
    let end = "SELECT FROM job_runs WHERE state = 'RUNNING' FOR KEY SHARE";
    Moment::At(vec![
        Stop::at_member(UPDATE_MEMBERS, last, &member(number)),
        Stop::locking(r#"SELECT "job_runs"."outcome""#, end),
    ])
}
