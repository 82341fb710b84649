//! A database that says nothing any more, after any byte: every wait for it has an end, and afterwards all is as
//! before.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

use std::time::Duration;

use rollcall_domain::{OrganizationId, catalog::Catalog};
use rollcall_store::{
    Db, Error, Limits, Options, ReadTx, Result, SystemConn, WriteTx, jobs, members::export::TeamMembers, organizations,
};
use rollcall_testkit::{Fault, FaultProxy, TestDatabase, Trap, Way};
use tokio::time::timeout;

/// Nothing here takes longer than the sum of its limits, and the machine may be slow.
const HANGS: Duration = Duration::from_secs(60);
const LIMIT: Duration = Duration::from_millis(400);

/// A database with an organization `acme`, behind a proxy.
async fn start() -> (TestDatabase, FaultProxy, Db) {
    let database = TestDatabase::new().await;
    let catalog = serde_json::to_string(&Catalog::default()).unwrap();
    let organization =
        "INSERT INTO organizations SELECT 'acme', gen_random_uuid(), 'Acme', 'MIGRATED', 50, 10, $1::text::jsonb,
        1, 1, 1, clock_timestamp(), clock_timestamp(), clock_timestamp(), '{}'";
    database.client().await.execute(organization, &[&catalog]).await.unwrap();
    let proxy = FaultProxy::open(&database.url()).await;
    let db = Db::open(&Options { url: proxy.url().to_owned(), connections: 4 }).unwrap();
    let limits = Limits { connection: LIMIT, statement: LIMIT, write: 2 * LIMIT, read: 2 * LIMIT };
    (database, proxy, db.with_limits(limits))
}

/// Each way in which the store waits for the database, one after the other.
async fn ask_everything(db: &Db) -> Result<()> {
    let acme = OrganizationId::trusted("acme");
    jobs::clock(db).await?;
    db.system("test", async |conn: &mut SystemConn| jobs::find_open_run(conn, "test").await).await?;
    db.read(&acme, "test", async |tx: &mut ReadTx| TeamMembers::new(tx).next_page(10).await).await?;
    db.write(&acme, "test", async |tx: &mut WriteTx| TeamMembers::new(tx).next_page(10).await).await?;
    let refused: Result<()> = db.write(&acme, "test", async |_: &mut WriteTx| Err(Error::FenceLost)).await;
    if !matches!(refused, Err(Error::FenceLost)) {
        refused?;
    }
    db.snapshot(&acme).await?;
    db.ping().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_silent_at_any_byte_hangs_nobody() {
    let (_database, proxy, db) = start().await;
    // The same pool. What works must not depend on how busy the machine is.
    let patient = db.clone().with_limits(Limits::default());
    for way in [Way::ToDatabase, Way::ToService] {
        let before = proxy.carried(way);
        ask_everything(&patient).await.unwrap();
        let bytes = proxy.carried(way) - before;
        let mut sprung = 0;
        for step in 0..12 {
            // The connections that are pooled now, and in every second round new ones.
            if step % 2 == 1 {
                proxy.make(Fault::Cut);
            }
            proxy.set(Trap { way, bytes: bytes * step / 12, fault: Fault::Silence });
            let answer = timeout(HANGS, ask_everything(&db)).await.expect("a wait without an end");
            assert!(matches!(answer, Err(Error::Unavailable(_))), "{way:?} {step}: {answer:?}");
            // On a busy machine a limit may come before the silence.
            sprung += usize::from(!proxy.disarm());
            proxy.heal();
            ask_everything(&patient).await.unwrap();
        }
        assert!(sprung > 0, "{way:?}");
    }
}

/// Whatever waits for a lock of `organizations` loses its session to an administrator.
async fn end_whoever_waits(database: &TestDatabase, db: &Db, work: impl Future<Output = Result<()>>) -> Result<()> {
    // A session sees one state of the activity in a transaction: another one looks.
    let (client, administrator) = (database.client().await, database.client().await);
    client.batch_execute("BEGIN; LOCK TABLE organizations IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let ending = async {
        while administrator.query(end, &[]).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let (answer, ()) = timeout(HANGS, async { tokio::join!(work, ending) }).await.expect("nobody waits for the lock");
    client.batch_execute("COMMIT").await.unwrap();
    ask_everything(db).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_the_database_ends_is_unavailable_wherever_it_is() {
    let (database, _proxy, db) = start().await;
    let db = db.with_limits(Limits::default());
    let acme = OrganizationId::trusted("acme");
    let touch = "SELECT FROM organizations";
    let write = db.write(&acme, "test", async |_: &mut WriteTx| Ok(()));
    let read = db.read(&acme, "test", async |_: &mut ReadTx| Ok(()));
    let system = db.system("test", async |conn: &mut SystemConn| {
        Ok(diesel_async::RunQueryDsl::execute(diesel::sql_query(touch), conn).await.map(drop)?)
    });
    let snapshot = async { db.snapshot(&acme).await.map(drop) };
    let statement = async { organizations::list_organizations(&db, None, 1).await.map(drop) };
    let ended = [
        end_whoever_waits(&database, &db, write).await,
        end_whoever_waits(&database, &db, read).await,
        end_whoever_waits(&database, &db, system).await,
        end_whoever_waits(&database, &db, snapshot).await,
        end_whoever_waits(&database, &db, statement).await,
    ];
    for ended in ended {
        assert!(matches!(ended, Err(Error::Unavailable(_))), "{ended:?}");
    }
    // What is wrong with a statement stays so where the connection is well.
    let wrong: Result<usize> = db
        .system("test", async |conn: &mut SystemConn| {
            Ok(diesel_async::RunQueryDsl::execute(diesel::sql_query("SELECT 1 / 0"), conn).await?)
        })
        .await;
    assert!(matches!(wrong, Err(Error::Internal(_))), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_accepts_and_says_nothing_is_unavailable() {
    let (_database, proxy, db) = start().await;
    proxy.make(Fault::Silence);
    let answer = timeout(HANGS, ask_everything(&db)).await.expect("a wait without an end");
    assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
    proxy.make(Fault::Refuse);
    let answer = timeout(HANGS, ask_everything(&db)).await.expect("a wait without an end");
    assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
    proxy.heal();
    ask_everything(&db.with_limits(Limits::default())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_ends_what_a_silent_service_has_begun() {
    let (database, proxy, db) = start().await;
    let acme = OrganizationId::trusted("acme");
    let beginning = db.write(&acme, "test", async |_: &mut WriteTx| {
        proxy.make(Fault::Silence);
        Ok::<(), Error>(())
    });
    assert!(matches!(beginning.await, Err(Error::Unavailable(_))));
    // The proxy keeps the database's side open: its session holds the organization, and nobody tells it to end.
    let direct = Db::open(&Options { url: database.url(), connections: 1 }).unwrap();
    let lease = Duration::from_secs(30);
    let locked = direct.write(&acme, "test", async |_: &mut WriteTx| Ok::<(), Error>(()));
    timeout(lease, locked).await.expect("it is held for longer than a lease").unwrap();
}
