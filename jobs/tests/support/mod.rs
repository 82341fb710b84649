//! A new database for each test, and waiting for conditions.

#![allow(dead_code, reason = "not every test file uses all of it")]

pub(crate) mod jobs;
pub(crate) mod migration;
pub(crate) mod report_faults;
pub(crate) mod reports;
pub(crate) mod seed;

use std::time::Duration;

use rollcall_app::{App, reports::ReportStore};
use rollcall_store::{Db, Options};
use rollcall_testkit::TestDatabase;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// A migrated database with a folder for reports.
pub(crate) struct Database {
    pub(crate) url: String,
    pub(crate) database: TestDatabase,
    reports: TempDir,
}

impl Database {
    /// Returns the service on this database with its own pool, as in another process.
    pub(crate) fn app(&self) -> App {
        self.app_with(20)
    }

    pub(crate) fn app_with(&self, connections: usize) -> App {
        let db = Db::open(&Options::new(self.url.clone(), connections)).unwrap();
        App::new(db, ReportStore::open(&self.reports_url()).unwrap())
    }

    pub(crate) fn reports_url(&self) -> String {
        url::Url::from_directory_path(self.reports.path()).unwrap().to_string()
    }
}

pub(crate) async fn database() -> Database {
    let database = TestDatabase::new().await;
    Database { url: database.url(), reports: TempDir::new().unwrap(), database }
}

/// Waits until the condition returns a value. A timeout fails the test.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(answer) = look().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what} did not come");
        sleep(Duration::from_millis(20)).await;
    }
}
