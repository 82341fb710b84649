//! A database's clock that can be moved: all time that the service knows is `clock_timestamp()` of its database, so that
//! a night passes in no time, and a process that was paused for a minute is one whose clock went on by that.

use std::time::Duration;

use tokio_postgres::Client;

use crate::TestDatabase;

/// A sequence is outside of transactions: every snapshot sees where it is now.
const INSTALL: &str = "
    CREATE SCHEMA test_clock;
    CREATE SEQUENCE test_clock.ahead MINVALUE 0 START 0;
    CREATE FUNCTION test_clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
        'SELECT pg_catalog.clock_timestamp() + (SELECT last_value FROM test_clock.ahead) * interval ''1 microsecond''';
    GRANT USAGE ON SCHEMA test_clock TO PUBLIC;
    GRANT SELECT ON test_clock.ahead TO PUBLIC";

/// The clock of one test database, for sessions that connect with [`TestClock::url`].
pub struct TestClock {
    client: Client,
}

impl TestClock {
    /// Puts a clock into a database; it goes right at first.
    pub async fn install(database: &TestDatabase) -> Self {
        let client = database.client().await;
        client.batch_execute(INSTALL).await.unwrap();
        Self { client }
    }

    /// The URL of the database for sessions that follow this clock: its function is found before Postgres's own.
    #[must_use]
    pub fn url(database: &TestDatabase) -> String {
        let url = database.url();
        let separator = if url.contains('?') { '&' } else { '?' };
        format!("{url}{separator}options=-c%20search_path%3Dtest_clock%2Cpg_catalog%2Cpublic")
    }

    /// Moves the clock on.
    pub async fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap();
        let move_on = "SELECT setval('test_clock.ahead', (SELECT last_value FROM test_clock.ahead) + $1)";
        self.client.query(move_on, &[&by]).await.unwrap();
    }
}
