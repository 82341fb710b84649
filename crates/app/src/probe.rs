//! Whether the database answers, for the health of the process.

use std::time::Duration;

use tokio::time::timeout;

use crate::App;

/// Which connections got an answer of the database in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The connections of all calls but checks. There is no answer either while all of them are in use.
    pub calls: bool,
    /// The connections of checks of email export.
    pub checks: bool,
}

impl App {
    /// Asks the database, and waits for each answer at most as long as `limit`.
    pub async fn probe(&self, limit: Duration) -> Probe {
        let (calls, checks) = tokio::join!(timeout(limit, self.db.ping()), timeout(limit, self.db.ping_for_checks()));
        Probe { calls: matches!(calls, Ok(Ok(()))), checks: matches!(checks, Ok(Ok(()))) }
    }
}
