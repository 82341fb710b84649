//! An end to every wait for the database, in one place.
//!
//! The server has limits of its own (`connect.rs`), but they end nothing where the connection itself says nothing any
//! more: a proxy that hangs, a server that was stopped. Then the wait ends here, and the connection is closed.

use std::time::Duration;

use crate::Error;

/// How long the database may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection is had: made, or free and seen to be alive.
    pub connection: Duration,
    /// For the answer to a statement outside of a transaction.
    pub statement: Duration,
    /// For a transaction that writes, from its beginning to its end.
    pub write: Duration,
    /// For a transaction that only reads.
    pub read: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Shorter than the lease of a run and than most callers wait.
            connection: Duration::from_secs(10),
            // The server ends a statement after 120 s and says so: whoever says nothing is gone.
            statement: Duration::from_secs(130),
            // A few statements that each take nearly as long as they may; nobody else can write the organization.
            write: Duration::from_secs(10 * 60),
            // A report that writes its rows to a slow store meanwhile; it is in nobody's way.
            read: Duration::from_secs(15 * 60),
        }
    }
}

/// Waits at most so long. What is given up is dropped, and with it the connection that it had begun to use.
pub(crate) async fn within<T, E: From<Error>>(
    limit: Duration,
    work: impl Future<Output = std::result::Result<T, E>>,
) -> std::result::Result<T, E> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(silent(limit).into()))
}

/// The error of a wait that was given up. Whether a commit that was not answered has happened is not known.
pub(super) fn silent(limit: Duration) -> Error {
    Error::Unavailable(format!("the database did not answer within {limit:?}").into())
}

/// How long a check may take whether a pooled connection is alive: all that are not are thrown away one by one.
pub(super) const CHECK: Duration = Duration::from_secs(3);

/// A path on which nothing arrives any more is noticed by the kernel: this long after something was sent in vain.
pub(super) const UNACKNOWLEDGED: Duration = Duration::from_secs(20);
/// The same while nothing is sent: when the first probe is sent, how often, and how many may be lost.
pub(super) const PROBE_AFTER: Duration = Duration::from_secs(15);
/// See [`PROBE_AFTER`].
pub(super) const PROBE_EVERY: Duration = Duration::from_secs(5);
/// See [`PROBE_AFTER`].
pub(super) const PROBES: u32 = 3;

/// The limits that the server keeps for a session.
///
/// * A statement that hangs must not hold an organization's lock for ever.
/// * Neither must a process that was paused or cut off inside a transaction. It holds the run that it works on, too,
///   so that this is well below the lease of a run: whoever takes the run over waits for this at most.
/// * A statement whose client has gone, such as a killed process, is ended while it runs.
/// * None of these ends a session of which the server has received some messages of a statement and not the last one.
///   Where that is because the client's host or the path to it is dead, the server's kernel notices, within 20 s, too.
///
/// And whoever opens a cursor reads all of it.
pub(super) const SESSION: &str = "-c statement_timeout=120s -c idle_in_transaction_session_timeout=20s \
    -c client_connection_check_interval=5s -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 \
    -c tcp_keepalives_count=2 -c tcp_user_timeout=20s -c cursor_tuple_fraction=1 -c timezone=UTC";

/// Begins a transaction that only reads, and so is in nobody's way: what it reads for may be slow, such as the reader of
/// a stream.
pub(super) const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SET LOCAL idle_in_transaction_session_timeout = '120s'";
