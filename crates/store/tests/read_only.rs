//! A server that becomes read-only, as after a failover: its sessions leave the pool, and none of them stays when the
//! server can write again.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics if its setup fails")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rollcall_store::{Db, Error, Options, Result, SystemConn};
use rollcall_testkit::TestDatabase;
use tokio::{sync::Barrier, task::JoinSet};

/// The end of a test that waits for something that does not happen.
const HANGS: Duration = Duration::from_secs(60);
/// Fewer than the pool may have.
const SESSIONS: usize = 4;

/// Writes in several sessions at the same time.
async fn write_in_sessions(db: &Db) -> Vec<Result<()>> {
    let all = Arc::new(Barrier::new(SESSIONS));
    let mut writes = JoinSet::new();
    for _ in 0..SESSIONS {
        let (db, all) = (db.clone(), all.clone());
        writes.spawn(async move {
            let (begun, waiting) = (Arc::new(AtomicBool::new(false)), all.clone());
            let begins = begun.clone();
            let body = async move |conn: &mut SystemConn| {
                begins.store(true, Ordering::Relaxed);
                waiting.wait().await;
                let write = diesel::sql_query("UPDATE organizations SET display_name = ''");
                diesel_async::RunQueryDsl::execute(write, conn).await?;
                Ok(())
            };
            let written = db.system("test", body).await;
            if !begun.load(Ordering::Relaxed) {
                // The session had ended. The others wait for this write.
                all.wait().await;
            }
            written
        });
    }
    writes.join_all().await
}

/// Writes until all sessions can write (`true`), or none can.
async fn write_until(db: &Db, writable: bool) {
    let reached = async {
        while write_in_sessions(db).await.iter().any(|written| match written {
            Ok(()) => !writable,
            Err(Error::Unavailable(_)) => writable,
            Err(error) => panic!("{error}"),
        }) {}
    };
    tokio::time::timeout(HANGS, reached).await.expect("sessions stay in the pool");
}

#[tokio::test(flavor = "multi_thread")]
async fn read_only_sessions_leave_the_pool_though_they_are_in_use() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let name: String = client.query_one("SELECT current_database()", &[]).await.unwrap().get(0);
    let db = Db::open(&Options::new(database.url(), 16)).unwrap();
    write_until(&db, true).await;
    // This applies to new sessions only. The server ends the others, as in a failover.
    client.batch_execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await.unwrap();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'rollcall'";
    client.batch_execute(end).await.unwrap();
    // The first writes fail on the sessions that have ended, the second ones on read-only sessions.
    for _ in 0..2 {
        write_until(&db, false).await;
    }
    client.batch_execute("SET default_transaction_read_only = off").await.unwrap();
    client.batch_execute(&format!("ALTER DATABASE {name} RESET default_transaction_read_only")).await.unwrap();
    write_until(&db, true).await;
}
