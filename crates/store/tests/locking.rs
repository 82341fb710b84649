//! The lock of an organization, the time that is read with it, and the connections that the pool hands out.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

use std::time::Duration;

use rollcall_domain::{OrganizationId, Timestamp, catalog::Catalog};
use rollcall_store::{Db, Error, ReadTx, Result, WriteTx, organizations};
use rollcall_testkit::TestDatabase;
use tokio::sync::Notify;
use tokio_postgres::Client;

fn acme() -> OrganizationId {
    OrganizationId::trusted("acme")
}

/// A database with an organization `acme`.
async fn start() -> (TestDatabase, Db) {
    let database = TestDatabase::new().await;
    let catalog = serde_json::to_string(&Catalog::default()).unwrap();
    let organization =
        "INSERT INTO organizations SELECT 'acme', gen_random_uuid(), 'Acme', 'MIGRATED', 50, 10, $1::text::jsonb,
        1, 1, 1, '2020-01-01', '2020-01-01', '2020-01-01', '{}'";
    database.client().await.execute(organization, &[&catalog]).await.unwrap();
    let db = database.db();
    (database, db)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_waits_for_the_lock_gets_a_time_after_the_first_writers_end() {
    let (database, db) = start().await;
    let client = database.client().await;
    let locked = Notify::new();
    let organization = acme();
    let first = db.write(&organization, "first", async |_: &mut WriteTx| {
        locked.notify_one();
        while db.queued_writes(&acme()) < 2 {
            tokio::task::yield_now().await;
        }
        let micros = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
        Ok::<i64, Error>(client.query_one(micros, &[]).await.unwrap().get(0))
    });
    let second = async {
        locked.notified().await;
        db.write(&acme(), "second", async |tx: &mut WriteTx| Ok::<Timestamp, Error>(tx.now())).await
    };
    let (ended, now) = tokio::join!(first, second);
    assert!(now.unwrap().timestamp_micros() > ended.unwrap());
}

/// Ends all sessions of the pool.
async fn end_sessions(client: &Client) {
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'rollcall'";
    assert_ne!(client.query(end, &[]).await.unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ended_while_it_was_idle_is_replaced() {
    let (database, db) = start().await;
    let client = database.client().await;
    for _ in 0..2 {
        db.ping().await.unwrap();
        // A session is tested at its first use in each second of its age, so the next use tests it.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        end_sessions(&client).await;
        db.write(&acme(), "test", async |_: &mut WriteTx| Ok::<(), Error>(())).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ended_right_after_its_use_is_replaced_or_unavailable() {
    let (database, db) = start().await;
    let client = database.client().await;
    for call in 0..12 {
        end_sessions_of_pool(&db, &client).await;
        let answer: Result<()> = match call % 3 {
            0 => db.write(&acme(), "test", async |_: &mut WriteTx| Ok(())).await,
            1 => db.read(&acme(), "test", async |_: &mut ReadTx| Ok(())).await,
            _ => organizations::list_organizations(&db, None, 1).await.map(drop),
        };
        assert!(matches!(answer, Ok(()) | Err(Error::Unavailable(_))), "{call}: {answer:?}");
    }
}

/// Puts a connection into the pool, and ends it before the next call.
async fn end_sessions_of_pool(db: &Db, client: &Client) {
    while db.ping().await.is_err() {}
    end_sessions(client).await;
}
