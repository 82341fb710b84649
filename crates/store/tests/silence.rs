//! A database that becomes silent after any byte: every wait ends, and afterwards the store works again.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics if its setup fails")]

use std::time::Duration;

use rollcall_domain::{OrganizationId, catalog::Catalog};
use rollcall_store::{
    Db, Error, Limits, Options, ReadTx, Result, SystemConn, WriteTx, jobs, members::export::TeamMembers, organizations,
};
use rollcall_testkit::{BlockedSessions, Direction, Fault, FaultProxy, FaultTrigger, TestDatabase};
use tokio::time::timeout;

/// The timeout of each operation: the sum of its limits, with time for a slow machine.
const HANGS: Duration = Duration::from_secs(60);
const LIMIT: Duration = Duration::from_millis(400);

/// Starts a database with an organization `acme` behind a proxy.
async fn start() -> (TestDatabase, FaultProxy, Db) {
    let database = TestDatabase::new().await;
    let catalog = serde_json::to_string(&Catalog::default()).unwrap();
    let organization =
        "INSERT INTO organizations SELECT 'acme', gen_random_uuid(), 'Acme', 'MIGRATED', 50, 10, $1::text::jsonb,
        1, 1, 1, clock_timestamp(), clock_timestamp(), clock_timestamp(), '{}', 1, 1";
    database.client().await.execute(organization, &[&catalog]).await.unwrap();
    let proxy = FaultProxy::open(&database.url()).await;
    let db = Db::open(&Options::new(proxy.url(), 4)).unwrap();
    let limits = Limits { connection: LIMIT, statement: LIMIT, write: 2 * LIMIT, read: 2 * LIMIT, ..Limits::default() };
    (database, proxy, db.with_limits(limits))
}

/// Makes each kind of call that waits for the database.
async fn ask_everything(db: &Db) -> Result<()> {
    let acme = OrganizationId::trusted("acme");
    jobs::clock(db).await?;
    db.system("test", async |conn: &mut SystemConn| jobs::find_open_run(conn, "test").await).await?;
    db.read(&acme, "test", async |tx: &mut ReadTx| TeamMembers::new(tx, None).next_page(10).await).await?;
    db.write(&acme, "test", async |tx: &mut WriteTx| TeamMembers::new(tx, None).next_page(10).await).await?;
    let refused: Result<()> = db.write(&acme, "test", async |_: &mut WriteTx| Err(Error::FenceLost)).await;
    if !matches!(refused, Err(Error::FenceLost)) {
        refused?;
    }
    db.snapshot(&acme).await?;
    db.ping().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_silent_after_any_byte_blocks_no_caller() {
    let (_database, proxy, db) = start().await;
    // The same pool with the default limits, so that the result does not depend on the load of the machine.
    let patient = db.clone().with_limits(Limits::default());
    for direction in [Direction::ToDatabase, Direction::ToService] {
        let before = proxy.bytes_passed(direction);
        ask_everything(&patient).await.unwrap();
        let bytes = proxy.bytes_passed(direction) - before;
        let mut triggered = 0;
        for step in 0..12 {
            // The pooled connections, and in every second round new ones.
            if step % 2 == 1 {
                proxy.inject(Fault::Cut);
            }
            proxy.set_trigger(FaultTrigger { direction, bytes: bytes * step / 12, fault: Fault::Silence });
            let answer = timeout(HANGS, ask_everything(&db)).await.expect("a wait without an end");
            assert!(matches!(answer, Err(Error::Unavailable(_))), "{direction:?} {step}: {answer:?}");
            // On a busy machine, a limit may end the call before the silence.
            triggered += usize::from(!proxy.remove_trigger());
            proxy.heal();
            ask_everything(&patient).await.unwrap();
        }
        assert!(triggered > 0, "{direction:?}");
    }
}

/// Terminates the sessions that wait for a lock of `organizations`.
async fn terminate_waiting_sessions(
    database: &TestDatabase,
    db: &Db,
    work: impl Future<Output = Result<()>>,
) -> Result<()> {
    let (client, blocked) = (database.client().await, BlockedSessions::of(database).await);
    client.batch_execute("BEGIN; LOCK TABLE organizations IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let ended = async { tokio::join!(work, blocked.terminate()) };
    let (answer, ()) = timeout(HANGS, ended).await.expect("a wait without an end");
    client.batch_execute("COMMIT").await.unwrap();
    ask_everything(db).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_session_is_unavailable_at_any_statement() {
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
        terminate_waiting_sessions(&database, &db, write).await,
        terminate_waiting_sessions(&database, &db, read).await,
        terminate_waiting_sessions(&database, &db, system).await,
        terminate_waiting_sessions(&database, &db, snapshot).await,
        terminate_waiting_sessions(&database, &db, statement).await,
    ];
    for ended in ended {
        assert!(matches!(ended, Err(Error::Unavailable(_))), "{ended:?}");
    }
    // An invalid statement on a good connection keeps its own error.
    let wrong: Result<usize> = db
        .system("test", async |conn: &mut SystemConn| {
            Ok(diesel_async::RunQueryDsl::execute(diesel::sql_query("SELECT 1 / 0"), conn).await?)
        })
        .await;
    assert!(matches!(wrong, Err(Error::Internal(_))), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_accepts_and_stays_silent_is_unavailable() {
    let (_database, proxy, db) = start().await;
    proxy.inject(Fault::Silence);
    let answer = timeout(HANGS, ask_everything(&db)).await.expect("a wait without an end");
    assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
    proxy.inject(Fault::Refuse);
    let answer = timeout(HANGS, ask_everything(&db)).await.expect("a wait without an end");
    assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
    proxy.heal();
    ask_everything(&db.with_limits(Limits::default())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_ends_the_transaction_of_a_silent_service() {
    let (database, proxy, db) = start().await;
    let acme = OrganizationId::trusted("acme");
    let beginning = db.write(&acme, "test", async |_: &mut WriteTx| {
        proxy.inject(Fault::Silence);
        Ok::<(), Error>(())
    });
    assert!(matches!(beginning.await, Err(Error::Unavailable(_))));
    // The proxy keeps the database side open: the session holds the lock of the organization.
    let direct = Db::open(&Options::new(database.url(), 1)).unwrap();
    let lease = Duration::from_secs(30);
    let locked = direct.write(&acme, "test", async |_: &mut WriteTx| Ok::<(), Error>(()));
    timeout(lease, locked).await.expect("it is held for longer than a lease").unwrap();
}
