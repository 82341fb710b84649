//! Time limits for every wait for the database.
//!
//! The server enforces limits too ([`SESSION`]), but they do not help when the connection is silent, for example because
//! a proxy hangs or the server was stopped. The limits of this file end such a wait and close the connection.

use std::time::Duration;

use crate::Error;

/// How long the service waits for the database, and how many writes of one organization wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For a connection: until one is made, or a pooled one is free and tested.
    pub connection: Duration,
    /// For the lock of an organization: until all writes that were before have ended, in this and in other processes.
    pub lock: Duration,
    /// At most this many writes of one organization wait for its lock in this process. Writes of jobs do not count.
    pub waiting_writes: usize,
    /// For a statement outside of a transaction.
    pub statement: Duration,
    /// For a whole transaction that writes.
    pub write: Duration,
    /// For a whole transaction that only reads.
    pub read: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Shorter than the lease of a run, and than the deadline of most callers.
            connection: Duration::from_secs(10),
            // Longer than most syncs take, and shorter than most callers wait.
            lock: Duration::from_secs(60),
            waiting_writes: 100,
            // The server cancels a statement after 120 s and reports that: a silent server is lost.
            statement: Duration::from_secs(130),
            // A few statements at the limit of each. Meanwhile no other transaction can write the organization.
            write: Duration::from_secs(10 * 60),
            // A large organization whose rows a report keeps in a slow object store. It blocks no other transaction.
            read: Duration::from_secs(15 * 60),
        }
    }
}

/// Waits for `work` at most as long as `limit`. After that it drops `work`, and with it the connection that `work` uses.
pub(crate) async fn within<T, E: From<Error>>(
    limit: Duration,
    work: impl Future<Output = std::result::Result<T, E>>,
) -> std::result::Result<T, E> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(silent(limit).into()))
}

/// The error of a wait that reached its limit. When that wait was for a commit, the commit may have succeeded.
pub(super) fn silent(limit: Duration) -> Error {
    Error::Unavailable(format!("the database did not answer within {limit:?}").into())
}

/// How long the test of a pooled connection may take. Lost connections are tested and dropped one after the other.
pub(super) const CHECK: Duration = Duration::from_secs(3);

/// How long a session is used, give or take a tenth. After a failover to another host, new sessions are on that host, and
/// the last old one ends after this time.
pub(super) const SESSION_AGE: Duration = Duration::from_secs(30 * 60);

/// The kernel ends a connection this long after it sent data that the peer does not acknowledge.
pub(super) const UNACKNOWLEDGED: Duration = Duration::from_secs(20);
/// The kernel probes an idle connection: after this time first.
pub(super) const PROBE_AFTER: Duration = Duration::from_secs(15);
/// The time between probes of an idle connection.
pub(super) const PROBE_EVERY: Duration = Duration::from_secs(5);
/// After this many unanswered probes the kernel ends the connection.
pub(super) const PROBES: u32 = 3;

/// The options of a session, mostly limits that the server enforces.
///
/// * `statement_timeout`: a statement that hangs must not hold an organization's lock for ever.
/// * `idle_in_transaction_session_timeout`: neither must a process that was paused or disconnected inside a transaction.
///   Such a process also locks its run, so the limit is well below the lease of a run: the process that takes the run
///   over waits at most this long.
/// * `client_connection_check_interval`: the server cancels the statement of a lost client, such as a killed process.
/// * `tcp_*`: the limits above do not end a session that has sent only some of the messages of a statement. When the
///   client's host or the network is down, the kernel of the server notices within 20 s.
/// * `cursor_tuple_fraction`: the service reads every cursor to its end.
/// * `citus.propagate_set_commands`: on a Citus, `SET LOCAL` reaches the workers. Any other Postgres ignores it.
pub(super) const SESSION: &str = "-c statement_timeout=120s -c idle_in_transaction_session_timeout=20s \
    -c client_connection_check_interval=5s -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 \
    -c tcp_keepalives_count=2 -c tcp_user_timeout=20s -c cursor_tuple_fraction=1 -c timezone=UTC \
    -c citus.propagate_set_commands=local";

/// Begins a transaction that only reads.
pub(super) const BEGIN_READ_ONLY: &str = "BEGIN READ ONLY";

/// Begins a read snapshot. It blocks no other transaction, so it may be idle for longer: the reader of a stream may be
/// slow.
pub(super) const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SET LOCAL idle_in_transaction_session_timeout = '120s'";
