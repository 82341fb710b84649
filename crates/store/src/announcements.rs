//! Wake-up signals between processes. After a write, its process says with NOTIFY which organization has which revision,
//! and the others look at once, instead of at their next poll. A lost signal delays an answer, and loses nothing.
//!
//! The signal is sent after the commit, by a task of its own. In the transaction of the write it would make all commits of
//! the database wait for each other, because Postgres holds one lock from NOTIFY to the end of the commit.

use std::{collections::HashMap, pin::pin, time::Duration};

use diesel::sql_types::{Array, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures::StreamExt as _;
use rollcall_domain::OrganizationId;
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};

use crate::{Db, Error, Result, SystemConn, db::within};

/// The channel of the signals, in the database of the installation.
const CHANNEL: &str = "rollcall_revisions";

/// How many signals one statement sends at most.
const SIGNALS_MAX: usize = 1_000;

/// How long the listener waits for signals before it tests its connection.
const TEST_AFTER: Duration = Duration::from_secs(10);

/// How long the test of the listener's connection may take.
const TEST: Duration = Duration::from_secs(3);

/// Starts to send a signal after each write of this process.
pub fn start_announcing(db: &Db) {
    let (sender, receiver) = unbounded_channel();
    // Without a receiver the process ends.
    db.observe_commits(move |organization, revision| drop(sender.send((organization.clone(), revision))));
    tokio::spawn(announce(db.for_announcements(), receiver));
}

/// Sends signals until the database value is dropped everywhere. Signals that wait together are sent together, only the
/// newest one of an organization.
async fn announce(db: Db, mut writes: UnboundedReceiver<(OrganizationId, i64)>) {
    let mut waiting = Vec::new();
    while writes.recv_many(&mut waiting, SIGNALS_MAX).await > 0 {
        let newest: HashMap<OrganizationId, i64> = waiting.drain(..).collect();
        let signals: Vec<String> = newest.iter().map(|(id, revision)| format!("{id} {revision}")).collect();
        if let Err(error) = notify(&db, &signals).await {
            tracing::debug!(%error, "signals are lost");
        }
    }
}

async fn notify(db: &Db, signals: &[String]) -> Result<()> {
    db.statement(async |conn: &mut SystemConn| {
        diesel::sql_query("SELECT pg_notify($1, s.signal) FROM unnest($2::text []) AS s (signal)")
            .bind::<Text, _>(CHANNEL)
            .bind::<Array<Text>, _>(signals)
            .execute(conn)
            .await
            .map_err(Error::of_statement("notify"))?;
        Ok(())
    })
    .await
}

/// Calls `heard` for each signal of any process, until the connection is lost. The connection is none of the pool's. After
/// a lost connection, or before the first one, signals are lost.
///
/// # Errors
/// [`Error::Unavailable`] when there is no connection, or no longer.
pub async fn listen(db: &Db, heard: impl Fn(OrganizationId, i64)) -> Result<()> {
    let mut conn = db.own_connection().await?;
    within(TEST, execute(&mut conn, "LISTEN rollcall_revisions")).await?;
    loop {
        {
            let mut signals = pin!(conn.notifications_stream());
            while let Ok(signal) = timeout(TEST_AFTER, signals.next()).await {
                let signal =
                    signal.ok_or_else(|| Error::Unavailable("the listener's connection has ended".into()))??;
                if let Some((organization, revision)) = parse(&signal.payload) {
                    heard(organization, revision);
                }
            }
        }
        // A lost connection is silent.
        within(TEST, execute(&mut conn, "SELECT 1")).await?;
    }
}

async fn execute(conn: &mut AsyncPgConnection, sql: &str) -> Result<()> {
    diesel::sql_query(sql).execute(conn).await.map(drop).map_err(|error| Error::Unavailable(error.into()))
}

fn parse(signal: &str) -> Option<(OrganizationId, i64)> {
    let (organization, revision) = signal.split_once(' ')?;
    Some((OrganizationId::trusted(organization), revision.parse().ok()?))
}
