//! That the SQL and the domain agree on which organizations are still to be migrated.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use rollcall_domain::{
    Phase, Timestamp,
    migration::{MigrationFilter, MigrationScope, MigrationState, WaveTally},
};
use rollcall_store::migration::{count_failed_in_a_row, list_migrations, list_pending, list_sizes, list_wave_tallies};
use rollcall_testkit::TestDatabase;
use tokio_postgres::Client;
use uuid::Uuid;

const STATES: [Option<MigrationState>; 5] = [
    None,
    Some(MigrationState::Pending),
    Some(MigrationState::Migrated),
    Some(MigrationState::Failed),
    Some(MigrationState::RolledBack),
];

/// One organization of the test.
#[derive(Clone, Copy)]
struct Row {
    phase: Phase,
    recorded: Option<MigrationState>,
    wave: u32,
    created_at: Timestamp,
}

impl Row {
    fn is_in(&self, scope: MigrationScope) -> bool {
        self.phase == Phase::Legacy && self.wave <= scope.wave && self.created_at <= scope.requested_at
    }
}

fn hour(hour: i64) -> Timestamp {
    Timestamp::from_timestamp(1_800_000_000 + 3600 * hour, 0).unwrap()
}

/// Every combination of phase, recorded state, wave and time of creation, by id.
fn rows() -> BTreeMap<String, Row> {
    let mut rows = BTreeMap::new();
    for phase in [Phase::Legacy, Phase::Migrated] {
        for recorded in STATES {
            for wave in [0, 1, 2] {
                for created_at in [hour(1), hour(2), hour(3)] {
                    rows.insert(format!("org-{:02}", rows.len()), Row { phase, recorded, wave, created_at });
                }
            }
        }
    }
    rows
}

async fn insert(client: &Client, rows: &BTreeMap<String, Row>) {
    let organization = "INSERT INTO organizations (id, uid, display_name, phase, mass_change_members, \
        mass_change_percent, catalog, catalog_revision, revision, updated_revision, last_write_at, created_at, \
        updated_at, wave) \
        VALUES ($1, gen_random_uuid(), $1, $2, 50, 10, '{}', 1, 1, 1, now(), to_timestamp($3::bigint), now(), $4)";
    let record = "INSERT INTO settings_migrations (organization_id, state, outcomes, updated_at) \
        VALUES ($1, $2, '[]', now())";
    for (id, row) in rows {
        let phase = if row.phase == Phase::Legacy { "LEGACY" } else { "MIGRATED" };
        let (created_at, wave) = (row.created_at.timestamp(), row.wave.cast_signed());
        client.execute(organization, &[id, &phase, &created_at, &wave]).await.unwrap();
        if let Some(state) = row.recorded {
            client.execute(record, &[id, &state.as_str()]).await.unwrap();
        }
    }
}

fn ids(rows: &BTreeMap<String, Row>, included: impl Fn(&Row) -> bool) -> Vec<String> {
    rows.iter().filter(|(_, row)| included(row)).map(|(id, _)| id.clone()).collect()
}

#[tokio::test]
async fn the_job_finds_the_organizations_that_are_still_to_be_migrated() {
    let database = TestDatabase::new().await;
    let (db, rows) = (database.db(), rows());
    insert(&database.client().await, &rows).await;
    let pending = |row: &Row| MigrationState::is_still_to_migrate(row.phase, row.recorded);
    for wave in [0, 1, 2] {
        for requested_at in [hour(0), hour(2), hour(4)] {
            let scope = MigrationScope { run: Uuid::from_u128(1), wave, requested_at };
            let found = list_pending(&db, scope, 1000).await.unwrap();
            let mut found: Vec<String> = found.into_iter().map(|pending| pending.organization.to_string()).collect();
            assert!(found.is_sorted_by_key(|id| (rows[id].wave, id.clone())), "{scope:?}");
            found.sort();
            assert_eq!(found, ids(&rows, |row| row.is_in(scope) && pending(row)), "{scope:?}");

            let sizes = list_sizes(&db, scope, "", 1000).await.unwrap();
            let found: Vec<(String, bool)> = sizes.into_iter().map(|size| (size.id, size.pending)).collect();
            let expected = ids(&rows, |row| row.is_in(scope)).into_iter();
            let expected: Vec<(String, bool)> = expected.map(|id| (id.clone(), pending(&rows[&id]))).collect();
            assert_eq!(found, expected, "{scope:?}");
        }
    }
}

#[tokio::test]
async fn a_run_tries_faulty_organizations_last_and_those_that_it_has_set_aside_not_at_all() {
    let database = TestDatabase::new().await;
    let (db, client) = (database.db(), database.client().await);
    let legacy = Row { phase: Phase::Legacy, recorded: Some(MigrationState::Pending), wave: 0, created_at: hour(1) };
    let rows = ["a", "b", "c", "d"].map(|id| (id.to_owned(), legacy));
    let later = ("e".to_owned(), Row { wave: 1, ..legacy });
    insert(&client, &rows.into_iter().chain([later]).collect()).await;
    let run = Uuid::from_u128(1);
    for (id, set_aside_by) in [("a", None), ("b", Some(Uuid::from_u128(2))), ("c", Some(run))] {
        let faulty =
            "UPDATE settings_migrations SET failure = 'x', set_aside_by = $2::text::uuid WHERE organization_id = $1";
        client.execute(faulty, &[&id, &set_aside_by.map(|run| run.to_string())]).await.unwrap();
    }
    let found = list_pending(&db, MigrationScope { run, wave: 1, requested_at: hour(2) }, 1000).await.unwrap();
    let found: Vec<_> = found.iter().map(|found| (found.organization.as_str(), found.wave, found.is_faulty)).collect();
    assert_eq!(found, [("d", 0, false), ("a", 0, true), ("b", 0, true), ("e", 1, false)]);
}

#[tokio::test]
async fn a_list_by_state_contains_the_organizations_in_this_state() {
    let database = TestDatabase::new().await;
    let (db, rows) = (database.db(), rows());
    insert(&database.client().await, &rows).await;
    for state in STATES {
        for wave in [None, Some(0), Some(1), Some(2)] {
            let found = list_migrations(&db, MigrationFilter { state, wave }, None, 1000).await.unwrap();
            for (id, status) in &found {
                assert_eq!(status.record.as_ref().map(|record| record.state), rows[id.as_str()].recorded, "{id}");
            }
            let found: Vec<String> = found.into_iter().map(|(id, _)| id.to_string()).collect();
            let expected = ids(&rows, |row| {
                let shown = MigrationState::of(row.phase, row.recorded);
                shown.is_some() && (state.is_none() || shown == state) && wave.is_none_or(|wave| row.wave == wave)
            });
            assert_eq!(found, expected, "{state:?} {wave:?}");
        }
    }
}

#[tokio::test]
async fn a_tally_counts_what_a_run_has_migrated_and_what_failed_last() {
    let database = TestDatabase::new().await;
    let (db, client) = (database.db(), database.client().await);
    let row = |recorded, wave| Row { phase: Phase::Legacy, recorded: Some(recorded), wave, created_at: hour(1) };
    use MigrationState::{Failed, Migrated, Pending, RolledBack};
    // The hour of the last change is the position.
    let states = [(Migrated, 0), (Failed, 0), (Migrated, 2), (Failed, 2), (RolledBack, 2), (Failed, 0), (Pending, 0)];
    let rows = states.iter().enumerate().map(|(n, (state, wave))| (format!("o{n}"), row(*state, *wave)));
    insert(&client, &rows.collect()).await;
    let change = "UPDATE settings_migrations SET updated_at = \
                  to_timestamp(1800000000 + 3600 * substr(organization_id, 2)::integer)";
    client.batch_execute(change).await.unwrap();
    let tally = |wave, migrated, failed| WaveTally { wave, migrated, failed };
    assert_eq!(list_wave_tallies(&db, hour(0)).await.unwrap(), [tally(0, 1, 2), tally(2, 1, 1)]);
    assert_eq!(list_wave_tallies(&db, hour(3)).await.unwrap(), [tally(0, 0, 1), tally(2, 0, 1)]);
    for (since, limit, expected) in [(0, 9, 2), (0, 1, 1), (4, 9, 1), (6, 9, 0)] {
        assert_eq!(count_failed_in_a_row(&db, hour(since), limit).await.unwrap(), expected, "{since} {limit}");
    }
}
