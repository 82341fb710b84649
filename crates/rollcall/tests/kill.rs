//! `kill -9` of the server in the middle of a sync, a save and a migration, twenty times each: afterwards nothing is
//! half-done, a new server continues, and a repetition gives the undisturbed result. The same holds if one of two
//! servers that share a migration is killed, and if an import or its server is killed before any of its commits.
//!
//! In the middle means: the transaction of the killed server waits at a chosen statement, because the test holds a
//! lock that it needs. The last rounds of each test kill at random moments instead. There, both outcomes are correct:
//! nothing and everything. The seeds are fixed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics if its setup fails")]

mod support {
    pub(crate) mod kill_changes;
    pub(crate) mod kill_import;
    pub(crate) mod kill_migration;
    pub(crate) mod kill_moment;
    pub(crate) mod kill_save;
    pub(crate) mod kill_seed;
    pub(crate) mod kill_server;
    pub(crate) mod kill_state;
    pub(crate) mod kill_sync;
    pub(crate) mod kill_trial;
    pub(crate) mod self_check;
}

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use rollcall_proto::v1::EmailExport;
use support::{
    kill_changes as changes, kill_import as import, kill_migration as migration,
    kill_moment::{self, Lock, Moment},
    kill_save as save,
    kill_state::RowView,
    kill_sync as sync,
    kill_trial::{Killed, Operation, StateAfterKill, Trial, Undisturbed},
};

const ROUNDS: usize = 20;

/// Returns a random moment within the undisturbed duration.
fn drawn(rng: &mut StdRng, took: Duration) -> Moment {
    Moment::After(took.mul_f64(rng.random_range(0.0..1.0)))
}

/// Checks that a kill at a stop left nothing of the operation, and that a kill at a random moment left nothing or
/// everything. A repetition must give the undisturbed result.
async fn assert_nothing_half_done(
    trial: &Trial,
    organization: &str,
    (moment, killed): (&Moment, Killed),
    (operation, undisturbed): (&Operation, &Undisturbed),
) {
    let left = killed.left[organization];
    println!("{organization} is as {left:?}, killed {moment:?}");
    assert!(left == StateAfterKill::Before || matches!(moment, Moment::After(_)), "{moment:?} is before the commit");
    assert!(killed.answer.is_err() || left == StateAfterKill::After, "a change with a response was lost");
    assert!(killed.left.iter().all(|(other, left)| other == organization || *left == StateAfterKill::Before));
    operation(trial.server()).await.unwrap().unwrap();
    let expected = if left == StateAfterKill::Before { &undisturbed.once } else { &undisturbed.twice };
    trial.assert_state(expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_is_never_half_done() {
    let mut trial = Trial::begin(sync::seed).await;
    let mut rng = StdRng::seed_from_u64(1);
    let mut cases = Vec::new();
    for organization in sync::ORGANIZATIONS {
        let operation = sync::operation(organization);
        let undisturbed = trial.undisturbed(&operation).await;
        assert_eq!(undisturbed.once, undisturbed.twice, "a sync that changes nothing writes nothing");
        let rehomed: String = trial.observer.sql.query_one(sync::REHOMED, &[&organization]).await.unwrap().get(0);
        cases.push((organization, operation, undisturbed, rehomed));
    }
    for round in 0..ROUNDS {
        let (organization, operation, undisturbed, rehomed) = &cases[round % 2];
        // Each stop once, and in the other organization the stops in the middle of a statement.
        let stop = (0..12).chain([3, 2, 5, 6]).nth(round);
        let moment = match stop {
            Some(stop) => Moment::At(vec![sync::stops(organization, rehomed, &mut rng).swap_remove(stop)]),
            None => drawn(&mut rng, undisturbed.took),
        };
        let killed = trial.kill(&moment, operation, undisturbed).await;
        assert_nothing_half_done(&trial, organization, (&moment, killed), (operation, undisturbed)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_save_is_never_half_done() {
    let mut trial = Trial::begin(save::seed).await;
    let mut rng = StdRng::seed_from_u64(2);
    let mut cases = Vec::new();
    // The active members who export and who do not, at the end including those of the added group.
    let values = [(EmailExport::Export, (1067, 733), (1890, 0)), (EmailExport::DoNotExport, (1800, 0), (0, 1890))];
    for (organization, (export, before, after)) in save::ORGANIZATIONS.into_iter().zip(values) {
        assert_eq!(save::exporting(trial.server(), organization).await, before);
        let operation = save::operation(organization, export);
        let undisturbed = trial.undisturbed(&operation).await;
        assert_eq!(save::exporting(trial.server(), organization).await, after);
        cases.push((organization, operation, undisturbed, before, after));
    }
    for round in 0..ROUNDS {
        let (organization, operation, undisturbed, before, after) = &cases[round % 2];
        let mut stops = save::stops(organization, &mut rng);
        let moment = match stops.len() > round {
            true => Moment::At(vec![stops.swap_remove(round)]),
            false => drawn(&mut rng, undisturbed.took),
        };
        let killed = trial.kill(&moment, operation, undisturbed).await;
        let expected = if killed.left[*organization] == StateAfterKill::Before { before } else { after };
        assert_eq!(save::exporting(trial.server(), organization).await, *expected);
        assert_nothing_half_done(&trial, organization, (&moment, killed), (operation, undisturbed)).await;
        assert_eq!(save::exporting(trial.server(), organization).await, *after);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_is_never_half_done() {
    let mut trial = Trial::begin(migration::seed).await;
    let mut rng = StdRng::seed_from_u64(3);
    let operation: Operation = Box::new(migration::migrate);
    let before = migration::answers(trial.server()).await;
    let undisturbed = trial.undisturbed(&operation).await;
    assert_eq!(undisturbed.once, undisturbed.twice, "a second run changes nothing");
    // The duration without the poll interval of the engine.
    let took = "SELECT (1000 * extract(epoch FROM max(ended_at - started_at)))::bigint FROM job_runs";
    let took = Duration::from_millis(trial.observer.count(took).await.unsigned_abs());
    for round in 0..ROUNDS {
        let (kind, place, number) = (round % migration::STOPS, round % 4, rng.random_range(0..500));
        let (moment, done) = match round {
            0..14 => (migration::stop_in(migration::ORGANIZATIONS[place], kind, number), Some(place)),
            14 => (migration::stop_at_end(migration::ORGANIZATIONS[3], number), Some(4)),
            _ => (drawn(&mut rng, took), None),
        };
        let killed = trial.kill(&moment, &operation, &undisturbed).await;
        let left: Vec<StateAfterKill> = killed.left.into_values().collect();
        let migrated = left.iter().filter(|left| **left == StateAfterKill::After).count();
        println!("{migrated} are migrated, killed {moment:?}");
        assert!(killed.answer.is_err() || migrated == 4, "a change with a response was lost");
        assert!(left[..migrated].iter().all(|left| *left == StateAfterKill::After), "one after the other: {left:?}");
        assert!(done.is_none_or(|done| done == migrated), "{left:?} after {moment:?}");
        assert_eq!(migration::answers(trial.server()).await, before, "while {migrated} are migrated");
        migration::assert_taken_over(&trial, &undisturbed, done.is_some()).await;
        assert_eq!(migration::answers(trial.server()).await, before);
        if round % 5 == 0 {
            migration::migrate(trial.server()).await.unwrap().unwrap();
            trial.assert_state(&undisturbed.twice).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_shared_by_two_servers_is_never_half_done() {
    let mut trial = Trial::begin(migration::seed).await;
    let mut rng = StdRng::seed_from_u64(4);
    let look = trial.database.client().await;
    let operation: Operation = Box::new(migration::migrate);
    let undisturbed = trial.undisturbed(&operation).await;
    for leader_dies in [true, false, true, false] {
        trial.observer.put_back().await;
        let [first, others] = migration::stops_of_two(rng.random_range(0..500));
        let (first, others) = (Lock::take(&trial.database, &first).await, Lock::take(&trial.database, &others).await);
        let asked = migration::migrate(trial.server());
        first.waited_for(&look, || asked.is_finished()).await;
        let leader = trial.join();
        others.waited_for(&look, || asked.is_finished()).await;
        if leader_dies {
            leader.kill();
        } else {
            trial.hand_over(leader).kill();
        }
        first.release().await;
        others.release().await;
        if leader_dies {
            migration::assert_taken_over(&trial, &undisturbed, true).await;
        } else {
            assert_eq!(migration::assert_as_undisturbed(&trial, &undisturbed).await, 1, "the leader goes on");
        }
        assert_eq!(asked.await.unwrap().is_ok(), !leader_dies);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_of_many_organizations_rolls_each_back_once() {
    let mut trial = Trial::begin(changes::seed).await;
    let mut rng = StdRng::seed_from_u64(5);
    let before = migration::answers(trial.server()).await;
    let operation: Operation = Box::new(changes::roll_back);
    for round in 0..2 * changes::STOPS {
        let (kind, place, number) = (round % changes::STOPS, round % 4, rng.random_range(0..500));
        let moment = changes::stop_in(migration::ORGANIZATIONS[place], kind, number);
        let answer = trial.kill_at(&moment, &operation).await;
        assert!(answer.is_err(), "{moment:?} is before the end of the run");
        assert_eq!(changes::rolled_back(&trial).await, i64::try_from(place).unwrap(), "killed {moment:?}");
        changes::assert_taken_over(&trial).await;
        assert_eq!(migration::answers(trial.server()).await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_import_resumes() {
    let mut trial = Trial::begin(async |_| {}).await;
    let look = trial.database.client().await;
    look.batch_execute(import::WAIT_AT_REVISIONS).await.unwrap();
    let (succeeded, words) = import::printed(import::start(trial.server()));
    assert!(succeeded, "{words}");
    let undisturbed = trial.observer.state(RowView::Anonymous).await;
    let revisions = trial.observer.count(import::REVISION).await;
    for (revision, kill_server) in (1..=revisions).flat_map(|revision| [(revision, false), (revision, true)]) {
        trial.observer.put_back().await;
        let lock = Lock::take(&trial.database, &import::stop_before(revision)).await;
        let mut interrupted = import::start(trial.server());
        lock.waited_for(&look, || interrupted.try_wait().unwrap().is_some()).await;
        if kill_server {
            trial.join().kill();
        } else {
            interrupted.kill().unwrap();
        }
        let (succeeded, words) = import::printed(interrupted);
        assert!(!succeeded, "it was interrupted before revision {revision}: {words}");
        lock.release().await;
        kill_moment::idle(&look).await;
        // A running server may complete a request even if its client is gone.
        let left = trial.observer.count(import::REVISION).await;
        println!("{left} of {revisions} revisions are there, killed at {revision}, the server: {kill_server}");
        assert!(left == revision - 1 || (left == revision && !kill_server), "a revision is half-done");
        let (succeeded, words) = import::printed(import::start(trial.server()));
        assert_eq!(succeeded, left < revisions, "{words}");
        let says = if left == revisions { "ALREADY_EXISTS" } else { "an interrupted import, which now continues" };
        assert_eq!(words.contains(says), left > 0, "{words}");
        trial.observer.assert_consistent().await;
        assert_eq!(trial.observer.state(RowView::Anonymous).await, undisturbed, "killed at revision {revision}");
    }
}
