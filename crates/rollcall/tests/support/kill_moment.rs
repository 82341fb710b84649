//! The moment of a kill: while a known statement waits for a lock that the test holds, or at a random moment. No test
//! depends on a race: it waits for a stop, and at a random moment both outcomes are correct.

use std::time::{Duration, Instant};

use rollcall_testkit::TestDatabase;
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_postgres::Client;
use tonic::Status;

use super::kill_server::Server;

const DEADLINE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(2);
const SESSIONS: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rollcall'";

/// Statements of most writes.
pub(crate) const UPDATE_MEMBERS: &str = "UPDATE members";
pub(crate) const INSERT_CHANGES: &str = "INSERT INTO member_changes";
pub(crate) const INSERT_EVENT: &str = "INSERT INTO audit_events";
pub(crate) const UPDATE_ORGANIZATION: &str = r#"UPDATE "organizations""#;

/// A statement at which the service must wait.
#[derive(Clone, Debug)]
pub(crate) struct Stop {
    /// Takes the lock for which the statement waits.
    lock: String,
    /// A part of the text of the waiting statement.
    at: &'static str,
}

impl Stop {
    /// Stops at a row that the service writes.
    pub(crate) fn at_row(at: &'static str, table: &str, condition: &str) -> Self {
        Self::locking(at, &format!("SELECT FROM {table} WHERE {condition} FOR NO KEY UPDATE"))
    }

    /// Stops at the first row that the service writes to a table.
    pub(crate) fn at_table(at: &'static str, table: &str) -> Self {
        Self::locking(at, &format!("LOCK TABLE {table} IN SHARE MODE"))
    }

    /// Stops at a row that the service inserts: the test inserts a row with the same key, copied from any row of the
    /// table.
    pub(crate) fn at_new_row(at: &'static str, table: &str, organization: &str, key: &str) -> Self {
        Self::locking(
            at,
            &format!(
                "INSERT INTO {table} SELECT r.* FROM {table} AS t, jsonb_populate_record(t, jsonb_build_object({key})) AS r
                WHERE t.organization_id = '{organization}' LIMIT 1"
            ),
        )
    }

    /// Stops at a member that the service writes.
    pub(crate) fn at_member(at: &'static str, organization: &str, member: &str) -> Self {
        Self::at_row(at, "members", &format!("organization_id = '{organization}' AND id = '{member}'"))
    }

    /// Stops at a member whose change the service records.
    pub(crate) fn at_change(organization: &str, member: &str) -> Self {
        let revision = format!("(SELECT o.revision + 1 FROM organizations AS o WHERE o.id = '{organization}')");
        let key = format!("'member_id', '{member}', 'revision', {revision}");
        Self::at_new_row(INSERT_CHANGES, "member_changes", organization, &key)
    }

    /// Stops at any statement that needs the lock of `lock`.
    pub(crate) fn locking(at: &'static str, lock: &str) -> Self {
        Self { lock: lock.to_owned(), at }
    }
}

/// The moment of a kill.
#[derive(Clone, Debug)]
pub(crate) enum Moment {
    /// At the last of these stops, after passing the others.
    At(Vec<Stop>),
    /// This long after the operation has locked an organization.
    After(Duration),
}

/// The result of an operation whose server was killed.
pub(crate) type Answer = Result<(), Status>;

impl Moment {
    /// Takes the first lock, starts the operation, kills the server at this moment, and waits until Postgres has
    /// ended its sessions.
    pub(crate) async fn kill(
        &self,
        database: &TestDatabase,
        server: Server,
        operate: impl FnOnce(&Server) -> JoinHandle<Answer>,
    ) -> Answer {
        let look = database.client().await;
        let (operation, lock) = match self {
            Self::At(stops) => {
                let (first, others) = stops.split_first().unwrap();
                let mut lock = Lock::take(database, first).await;
                let operation = operate(&server);
                lock.waited_for(&look, || operation.is_finished()).await;
                for stop in others {
                    let next = Lock::take(database, stop).await;
                    std::mem::replace(&mut lock, next).release().await;
                    lock.waited_for(&look, || operation.is_finished()).await;
                }
                (operation, Some(lock))
            }
            Self::After(time) => {
                let operation = operate(&server);
                under_way(&look, &operation).await;
                sleep(*time).await;
                (operation, None)
            }
        };
        server.kill();
        if let Some(lock) = lock {
            lock.release().await;
        }
        none_left("the end of the killed server's sessions", &look, SESSIONS).await;
        timeout(DEADLINE, operation).await.expect("a call whose server is gone ends").unwrap()
    }
}

/// A lock, held in a separate session until it is released.
pub(crate) struct Lock {
    session: Client,
    pid: i32,
    at: &'static str,
}

impl Lock {
    /// Takes the lock of a stop.
    pub(crate) async fn take(database: &TestDatabase, stop: &Stop) -> Self {
        let session = database.client().await;
        session.batch_execute("BEGIN").await.unwrap();
        let taken = session.execute(&stop.lock, &[]).await.unwrap();
        assert!(taken == 1 || stop.lock.starts_with("LOCK"), "{stop:?} locks {taken} rows");
        let pid = session.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
        Self { session, pid, at: stop.at }
    }

    /// Waits until the statement of an unfinished operation waits for this lock. The heartbeat of a run may also wait
    /// for it.
    pub(crate) async fn waited_for(&self, look: &Client, mut is_over: impl FnMut() -> bool) {
        let sql = r#"SELECT query FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'rollcall' AND state = 'active'
                AND wait_event_type = 'Lock' AND $1 = ANY(pg_blocking_pids(pid))
                AND strpos(query, 'SET "lease_until"') = 0"#;
        until(self.at, async || {
            assert!(!is_over(), "the operation was not stopped at {}", self.at);
            let waiting = look.query(sql, &[&self.pid]).await.unwrap();
            let waiting: Vec<String> = waiting.iter().map(|row| row.get(0)).collect();
            let reached = waiting.iter().any(|statement| statement.contains(self.at));
            assert!(reached || waiting.is_empty(), "it was to wait at {}, not at {waiting:?}", self.at);
            reached
        })
        .await;
    }

    /// Releases the lock.
    pub(crate) async fn release(self) {
        self.session.batch_execute("ROLLBACK").await.unwrap();
    }
}

/// Waits until a transaction of the service has locked an organization, or until the operation has ended.
async fn under_way(look: &Client, operation: &JoinHandle<Answer>) {
    let sql = "SELECT FROM pg_locks AS l INNER JOIN pg_stat_activity AS a USING (pid)
        WHERE a.datname = current_database() AND a.application_name = 'rollcall' AND l.granted
            AND l.relation = 'organizations'::regclass AND l.mode = 'RowShareLock'";
    until("a transaction of the service", async || {
        operation.is_finished() || !look.query(sql, &[]).await.unwrap().is_empty()
    })
    .await;
}

/// Waits until the service has no open transaction.
pub(crate) async fn idle(look: &Client) {
    let transactions = format!("{SESSIONS} AND state <> 'idle'");
    none_left("the end of the service's transactions", look, &transactions).await;
}

async fn none_left(what: &str, look: &Client, count: &str) {
    until(what, async || look.query_one(count, &[]).await.unwrap().get::<_, i64>(0) == 0).await;
}

async fn until(what: &str, mut reached: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !reached().await {
        assert!(start.elapsed() < DEADLINE, "it took too long: {what}");
        sleep(LOOK).await;
    }
}
