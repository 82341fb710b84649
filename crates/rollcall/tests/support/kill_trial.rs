//! Killing a server in the middle of an operation, again and again from the same beginning.

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
    kill_state::{Look, Observer, Rows, State},
};

/// What is done to the server that is killed.
pub(crate) type Operation = Box<dyn Fn(&Server) -> JoinHandle<Answer> + Send + Sync>;

/// What an operation makes of the database when nobody disturbs it, whenever that is.
pub(crate) struct Undisturbed {
    /// After it.
    pub(crate) once: State,
    /// After it and the same again.
    pub(crate) twice: State,
    /// How long it took.
    pub(crate) took: Duration,
}

/// As what a killed server left an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// As it was before the operation, to the byte.
    Before,
    /// As after the whole operation.
    After,
}

/// How a round ended.
pub(crate) struct Killed {
    /// As what each organization was left.
    pub(crate) left: BTreeMap<String, Left>,
    /// What the caller had been answered, if anything.
    pub(crate) answer: Answer,
}

/// A database, a server on it, and the beginning that each round starts from.
pub(crate) struct Trial {
    /// The database.
    pub(crate) database: TestDatabase,
    /// What looks at it.
    pub(crate) observer: Observer,
    beginning: State,
    reports: TempDir,
    server: Option<Server>,
}

impl Trial {
    /// Starts a server, lets `seed` fill its database, and keeps that as the beginning.
    pub(crate) async fn begin(seed: impl AsyncFnOnce(&Server)) -> Self {
        let (database, reports) = (TestDatabase::new().await, TempDir::new().unwrap());
        let server = Server::start(&database, &reports);
        seed(&server).await;
        let observer = Observer::keeping(database.client().await).await;
        observer.assert_consistent().await;
        let beginning = observer.state(Look::Exact).await;
        Self { database, observer, beginning, reports, server: Some(server) }
    }

    /// The server that runs now.
    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// Starts another server beside it, which is the trial's from now on; the one before.
    pub(crate) fn join(&mut self) -> Server {
        let joined = Server::start(&self.database, &self.reports);
        self.hand_over(joined)
    }

    /// Makes a server the trial's; the one before.
    pub(crate) fn hand_over(&mut self, server: Server) -> Server {
        self.server.replace(server).unwrap()
    }

    /// Does it from the beginning without killing anybody, twice.
    pub(crate) async fn undisturbed(&self, operation: &Operation) -> Undisturbed {
        self.observer.put_back().await;
        let start = Instant::now();
        operation(self.server()).await.unwrap().unwrap();
        let took = start.elapsed();
        let once = self.observer.state(Look::Timeless).await;
        operation(self.server()).await.unwrap().unwrap();
        Undisturbed { once, twice: self.observer.state(Look::Timeless).await, took }
    }

    /// Does it from the beginning, kills the server at a moment of it, and starts another one.
    pub(crate) async fn kill(&mut self, moment: &Moment, operation: &Operation, undisturbed: &Undisturbed) -> Killed {
        self.observer.put_back().await;
        let server = self.server.take().unwrap();
        let answer = moment.kill(&self.database, server, operation).await;
        self.server = Some(Server::start(&self.database, &self.reports));
        self.observer.assert_consistent().await;
        Killed { left: self.left(undisturbed).await, answer }
    }

    async fn left(&self, undisturbed: &Undisturbed) -> BTreeMap<String, Left> {
        let state = self.observer.state(Look::Exact).await;
        assert!(state.keys().eq(self.beginning.keys()));
        let same = state == self.beginning;
        let timeless = if same { State::new() } else { self.observer.state(Look::Timeless).await };
        let left = state.into_iter().map(|(organization, rows)| {
            let since = differences(&rows, &self.beginning[&organization]);
            if since.is_empty() {
                return (organization, Left::Before);
            }
            let missing = differences(&timeless[&organization], &undisturbed.once[&organization]);
            assert!(missing.is_empty(), "{organization}: {since:?} are not as before, {missing:?} not as after");
            (organization, Left::After)
        });
        left.collect()
    }

    /// Checks that each organization is as in `expected`, except for the times.
    pub(crate) async fn assert_state(&self, expected: &State) {
        self.observer.assert_consistent().await;
        for (organization, rows) in self.observer.state(Look::Timeless).await {
            let differ = differences(&rows, &expected[&organization]);
            assert!(differ.is_empty(), "{organization}: {differ:?} are not as undisturbed");
        }
    }
}

/// The tables whose rows are not the same.
fn differences(one: &Rows, other: &Rows) -> Vec<String> {
    let tables: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    tables.into_iter().filter(|table| one.get(*table) != other.get(*table)).cloned().collect()
}
