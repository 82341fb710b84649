//! Which sessions wait for a lock.

use std::time::Duration;

use tokio_postgres::Client;

use super::{TestDatabase, shared};

/// How long a session may take until it waits.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Observes the sessions of a test database that wait for a lock. It has a connection of its own, because within a
/// transaction a session sees one snapshot of `pg_stat_activity`.
pub struct BlockedSessions {
    client: Client,
    sql: &'static str,
}

impl BlockedSessions {
    /// Begins to observe a database.
    pub async fn of(database: &TestDatabase) -> Self {
        let client = database.client().await;
        // On a Citus cluster, statements wait on the workers. Their global id ends with the process of the coordinator.
        let sql = match shared::has_citus(&client).await {
            false => "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
            true => {
                "SELECT DISTINCT (global_pid % 10000000000)::integer AS pid FROM citus_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock'"
            }
        };
        Self { client, sql }
    }

    /// Returns the processes of the sessions that wait now.
    pub async fn pids(&self) -> Vec<i32> {
        self.client.query(self.sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// Waits until this many sessions wait.
    pub async fn wait_for(&self, sessions: usize) {
        let reached = async {
            while self.pids().await.len() < sessions {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(TIMEOUT, reached).await.expect("too few sessions wait for a lock");
    }

    /// Terminates the sessions that wait, as soon as there is one.
    pub async fn terminate(&self) {
        self.wait_for(1).await;
        for pid in self.pids().await {
            self.client.query("SELECT pg_terminate_backend($1::integer)", &[&pid]).await.unwrap();
        }
    }
}
