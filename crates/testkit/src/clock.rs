//! A database clock that tests can advance. The service reads the time only from `clock_timestamp()` of its database, so
//! a test can skip a night, or advance the clock to simulate a process that was paused. A change of the clock also wakes
//! the job engines, which would have slept less if the time had really passed.

use std::time::Duration;

use tokio_postgres::Client;

use crate::database::TestDatabase;

/// The offset is a sequence, because a sequence is not transactional: every snapshot sees its current value. Another
/// sequence counts the readings.
const INSTALL: &str = "
    CREATE SCHEMA test_clock;
    CREATE SEQUENCE test_clock.ahead MINVALUE 0 START 0;
    CREATE SEQUENCE test_clock.readings;
    CREATE FUNCTION test_clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
        'SELECT pg_catalog.clock_timestamp() + (SELECT last_value FROM test_clock.ahead) * interval ''1 microsecond''
        FROM nextval(''test_clock.readings'')';
    GRANT USAGE ON SCHEMA test_clock TO PUBLIC;
    GRANT SELECT, USAGE ON ALL SEQUENCES IN SCHEMA test_clock TO PUBLIC";

/// The clock of one test database, for sessions that connect with [`TestClock::url`].
pub struct TestClock {
    client: Client,
}

impl TestClock {
    /// Installs a clock in a database. It initially shows the real time.
    pub async fn install(database: &TestDatabase) -> Self {
        let client = database.client().await;
        client.batch_execute(INSTALL).await.unwrap();
        Self { client }
    }

    /// Returns the URL of the database for sessions that use this clock. Its function precedes that of Postgres in the
    /// search path.
    #[must_use]
    pub fn url(database: &TestDatabase) -> String {
        let url = database.url();
        let separator = if url.contains('?') { '&' } else { '?' };
        format!("{url}{separator}options=-c%20search_path%3Dtest_clock%2Cpg_catalog%2Cpublic")
    }

    /// Sets how far the clock is ahead of the real time.
    pub async fn set_ahead(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap();
        self.client
            .query("SELECT setval('test_clock.ahead', $1), pg_notify('rollcall_job_runs', '')", &[&by])
            .await
            .unwrap();
    }

    /// Advances the clock.
    pub async fn advance(&self, by: Duration) {
        self.change(i64::try_from(by.as_micros()).unwrap()).await;
    }

    /// Sets the clock back. It never becomes slower than the real time.
    pub async fn set_back(&self, by: Duration) {
        self.change(-i64::try_from(by.as_micros()).unwrap()).await;
    }

    async fn change(&self, micros: i64) {
        let sql = "SELECT setval('test_clock.ahead', (SELECT last_value FROM test_clock.ahead) + $1),
            pg_notify('rollcall_job_runs', '')";
        self.client.query(sql, &[&micros]).await.unwrap();
    }

    /// Returns how often the clock was read.
    pub async fn readings(&self) -> i64 {
        self.client.query_one("SELECT last_value FROM test_clock.readings", &[]).await.unwrap().get(0)
    }
}
