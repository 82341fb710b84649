//! A migrated database for each test.
//!
//! Without configuration, the database is a copy of a template on an embedded Postgres that all test processes share.
//! With `ROLLCALL_TEST_DATABASE_URL` it is on the server of that URL: again a copy of a template, or, on a server where
//! databases cannot be created (Citus), the database of the URL, which the tests use one after the other. Tests ignore
//! `DATABASE_URL`, so that they never change a real database. CONTRIBUTING.md says how to use a server.

mod blocked;
mod own;
mod postgres;
mod shared;

use rollcall_store::{DatabaseRoles, Db, Options};
use tokio_postgres::NoTls;

pub use self::blocked::BlockedSessions;
use self::{postgres::TestPostgres, shared::SharedDatabase};

/// The application name of the connections of tests, which tells them from the connections of the service.
const APPLICATION: &str = "rollcall-test";

/// A database for one test. Dropping the value ends all sessions in the database, and drops the database if it is the
/// test's own.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    /// The role that owns the tables.
    owner: &'static str,
    roles: DatabaseRoles,
    shared: Option<SharedDatabase>,
}

impl TestDatabase {
    /// Creates a migrated, empty database. On a server where the tests share one database, this waits until no other
    /// test uses it: a test has one database at a time.
    pub async fn new() -> Self {
        let database = Self::undistributed().await;
        if database.shared.is_some() {
            shared::distribute(&database.client().await).await;
        }
        database
    }

    /// The same, but the tables are local on a Citus cluster too: for tests of the schema migrations, which run before
    /// the tables are distributed, and of query plans.
    pub async fn undistributed() -> Self {
        let postgres = TestPostgres::get().await;
        if postgres.is_shared().await {
            let shared = SharedDatabase::acquire(postgres).await;
            let (name, roles) = (postgres.admin_database().to_owned(), shared.roles().clone());
            return Self { name, owner: postgres.owner(), roles, shared: Some(shared) };
        }
        Self { name: own::create(postgres).await, owner: postgres.owner(), roles: postgres.roles(), shared: None }
    }

    /// Returns the URL for the role of the service, which row-level security binds.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_as(&self.roles.service)
    }

    /// Returns the URL for the role that owns the tables: for schema migrations.
    #[must_use]
    pub fn owner_url(&self) -> String {
        self.url_as(self.owner)
    }

    /// Returns the roles to which a schema migration of this database gives privileges.
    #[must_use]
    pub fn roles(&self) -> &DatabaseRoles {
        &self.roles
    }

    /// Returns the URL for another database role, which was created with [`TestDatabase::create_role`].
    #[must_use]
    pub fn url_as(&self, role: &str) -> String {
        TestPostgres::started().url(role, &self.name)
    }

    /// Returns the URL for a superuser.
    #[must_use]
    pub fn superuser_url(&self) -> String {
        TestPostgres::started().superuser_url(&self.name)
    }

    /// Opens a connection pool to the database, as the service does.
    #[must_use]
    pub fn db(&self) -> Db {
        self.db_with(24)
    }

    /// The same, with at most this many connections.
    #[must_use]
    pub fn db_with(&self, connections: usize) -> Db {
        Db::open(&Options::new(self.url(), connections)).unwrap()
    }

    /// Opens a superuser connection of its own, to read rows directly and to make changes that the service cannot make.
    pub async fn client(&self) -> tokio_postgres::Client {
        connect(&self.superuser_url()).await
    }

    /// Opens a connection of its own as the role of the service.
    pub async fn service_client(&self) -> tokio_postgres::Client {
        connect(&self.url()).await
    }

    /// Creates a database role that may connect and has no other privileges.
    pub async fn create_role(&self, role: &str) {
        self.client().await.batch_execute(&postgres::create_role(role)).await.unwrap();
    }

    /// Installs a trigger that does what a faulty database would. `event` is the part of CREATE TRIGGER between its name
    /// and the function, and `body` is the body of the function.
    pub async fn create_trigger(&self, name: &str, event: &str, body: &str) {
        let client = self.client().await;
        // One by one, because Citus sends each statement to the workers.
        for statement in [
            "SET citus.enable_unsafe_triggers = on".to_owned(),
            format!("CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN NEW; END $$"),
            format!("CREATE TRIGGER {name} {event} EXECUTE FUNCTION {name}()"),
        ] {
            client.batch_execute(&statement).await.unwrap();
        }
    }

    /// Removes a trigger.
    pub async fn drop_trigger(&self, name: &str, table: &str) {
        let client = self.client().await;
        client.batch_execute("SET citus.enable_unsafe_triggers = on").await.unwrap();
        client.batch_execute(&format!("DROP TRIGGER {name} ON {table}")).await.unwrap();
    }

    /// Returns whether the database is on a Citus cluster.
    pub async fn has_citus(&self) -> bool {
        shared::has_citus(&self.client().await).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let postgres = TestPostgres::started();
        let (admin, name) = (postgres.superuser_url(postgres.admin_database()), self.name.clone());
        let shared = self.shared.take();
        let release = async move {
            match shared {
                Some(shared) => shared.release(&connect(&admin).await).await,
                None => own::remove(&connect(&admin).await, &name).await,
            }
        };
        // The runtime of the test may be shut down or panicking.
        let _ = in_other_runtime(release).join();
    }
}

/// Runs `work` on a thread with a runtime of its own.
fn in_other_runtime<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> std::thread::JoinHandle<T> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(work)
    })
}

/// Applies the schema migrations. They need a multi-threaded runtime, which a test may not have.
async fn migrate(url: String, roles: DatabaseRoles) {
    let migrating =
        in_other_runtime(async move { rollcall_store::migrate::run_for_roles(&url, &roles).await.map(drop).unwrap() });
    tokio::task::spawn_blocking(|| migrating.join().unwrap()).await.unwrap();
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let mut config: tokio_postgres::Config = url.parse().unwrap();
    config.application_name(APPLICATION);
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
