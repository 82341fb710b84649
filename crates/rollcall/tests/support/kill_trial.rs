//! Repeated kills of a server in the middle of an operation, from the same initial state.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use rollcall_testkit::TestDatabase;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::{
    kill_moment::{Answer, Moment},
    kill_server::Server,
    kill_state::{Observer, RowView, Rows, State},
    self_check::assert_no_differences,
};

/// The operation of the killed server.
pub(crate) type Operation = Box<dyn Fn(&Server) -> JoinHandle<Answer> + Send + Sync>;

/// The undisturbed result of an operation, without times.
pub(crate) struct Undisturbed {
    /// The state after the operation.
    pub(crate) once: State,
    /// The state after the operation and its repetition.
    pub(crate) twice: State,
    /// The duration of the operation.
    pub(crate) took: Duration,
}

/// The state in which a killed server left an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StateAfterKill {
    /// Exactly the state before the operation.
    Before,
    /// The state after the whole operation.
    After,
}

/// The result of a round.
pub(crate) struct Killed {
    /// The state of each organization after the kill.
    pub(crate) left: BTreeMap<String, StateAfterKill>,
    /// The response to the caller, if any.
    pub(crate) answer: Answer,
}

/// A database, a server on it, and the initial state of each round.
pub(crate) struct Trial {
    /// The database.
    pub(crate) database: TestDatabase,
    /// The direct connection to the database.
    pub(crate) observer: Observer,
    beginning: State,
    reports: TempDir,
    server: Option<Server>,
}

impl Trial {
    /// Starts a server, fills its database with `seed`, and saves the initial state.
    pub(crate) async fn begin(seed: impl AsyncFnOnce(&Server)) -> Self {
        let (database, reports) = (TestDatabase::new().await, TempDir::new().unwrap());
        let server = Server::start(&database, &reports);
        seed(&server).await;
        let observer = Observer::keeping(database.client().await).await;
        observer.assert_consistent().await;
        let beginning = observer.state(RowView::Exact).await;
        Self { database, observer, beginning, reports, server: Some(server) }
    }

    /// Returns the current server.
    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// Starts a second server, which becomes the current one. Returns the previous one.
    pub(crate) fn join(&mut self) -> Server {
        let joined = Server::start(&self.database, &self.reports);
        self.hand_over(joined)
    }

    /// Makes a server the current one. Returns the previous one.
    pub(crate) fn hand_over(&mut self, server: Server) -> Server {
        self.server.replace(server).unwrap()
    }

    /// Makes the operation twice from the initial state, without a kill.
    pub(crate) async fn undisturbed(&self, operation: &Operation) -> Undisturbed {
        self.observer.put_back().await;
        let start = Instant::now();
        operation(self.server()).await.unwrap().unwrap();
        let took = start.elapsed();
        let once = self.observer.state(RowView::Timeless).await;
        operation(self.server()).await.unwrap().unwrap();
        Undisturbed { once, twice: self.observer.state(RowView::Timeless).await, took }
    }

    /// Starts the operation from the initial state, kills the server at a moment, and starts another one.
    pub(crate) async fn kill(&mut self, moment: &Moment, operation: &Operation, undisturbed: &Undisturbed) -> Killed {
        let answer = self.kill_at(moment, operation).await;
        Killed { left: self.left(undisturbed).await, answer }
    }

    /// The same for an operation whose state is not compared as a whole. Returns the response to the caller.
    pub(crate) async fn kill_at(&mut self, moment: &Moment, operation: &Operation) -> Answer {
        self.observer.put_back().await;
        let server = self.server.take().unwrap();
        let answer = moment.kill(&self.database, server, operation).await;
        self.server = Some(Server::start(&self.database, &self.reports));
        self.observer.assert_consistent().await;
        answer
    }

    async fn left(&self, undisturbed: &Undisturbed) -> BTreeMap<String, StateAfterKill> {
        let state = self.observer.state(RowView::Exact).await;
        assert!(state.keys().eq(self.beginning.keys()));
        let same = state == self.beginning;
        let timeless = if same { State::new() } else { self.observer.state(RowView::Timeless).await };
        let left = state.into_iter().map(|(organization, rows)| {
            let since = differences(&rows, &self.beginning[&organization]);
            if since.is_empty() {
                return (organization, StateAfterKill::Before);
            }
            let missing = differences(&timeless[&organization], &undisturbed.once[&organization]);
            assert!(missing.is_empty(), "{organization}: {since:?} are not as before, {missing:?} not as after");
            (organization, StateAfterKill::After)
        });
        left.collect()
    }

    /// Checks that each organization equals `expected`, without times.
    pub(crate) async fn assert_state(&self, expected: &State) {
        self.observer.assert_consistent().await;
        assert_no_differences(&self.database.db_with(1)).await;
        for (organization, rows) in self.observer.state(RowView::Timeless).await {
            let differ = differences(&rows, &expected[&organization]);
            assert!(differ.is_empty(), "{organization}: {differ:?} are not as undisturbed");
        }
    }
}

/// Returns the tables whose rows differ.
fn differences(one: &Rows, other: &Rows) -> Vec<String> {
    let tables: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    tables.into_iter().filter(|table| one.get(*table) != other.get(*table)).cloned().collect()
}
