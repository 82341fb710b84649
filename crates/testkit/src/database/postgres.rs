//! The Postgres server of the tests: an embedded one, or the one of `ROLLCALL_TEST_DATABASE_URL`.

use std::path::PathBuf;

use rollcall_embedded::{Cluster, ClusterOptions};
use rollcall_store::DatabaseRoles;
use tokio::sync::OnceCell;
use url::Url;

use super::{connect, shared};

/// The variable with the URL of a server for the tests: for a superuser, with a database that exists.
const URL_VARIABLE: &str = "ROLLCALL_TEST_DATABASE_URL";

/// The variable that lets the tests share the database of the URL although it has no Citus.
const SHARED_VARIABLE: &str = "ROLLCALL_TEST_SHARED_DATABASE";

/// The ordinary database role on a given server that owns what the tests create. The names of the other roles begin with
/// it.
const GIVEN_OWNER: &str = "rollcall_test";

/// The password of the roles that the tests create. The roles can only reach what the tests create.
const PASSWORD: &str = "rollcall_test";

static POSTGRES: OnceCell<TestPostgres> = OnceCell::const_new();

/// The server of all tests of this process.
#[expect(clippy::large_enum_variant, reason = "there is one value, which is never moved")]
#[derive(Debug)]
pub(super) enum TestPostgres {
    /// Started by the first test process, and shared with the others.
    Embedded(Cluster),
    /// Started by someone else. The URL is for a superuser.
    Given { url: Url, database: String },
}

impl TestPostgres {
    /// Returns the server. The first call starts it or prepares it.
    pub(super) async fn get() -> &'static Self {
        POSTGRES
            .get_or_init(|| async {
                let postgres = match std::env::var(URL_VARIABLE) {
                    Ok(url) => Self::find(&url).await,
                    Err(_) => tokio::task::spawn_blocking(Self::start).await.unwrap(),
                };
                postgres.create_roles().await;
                postgres
            })
            .await
    }

    /// Returns the server, which an earlier call of [`TestPostgres::get`] has started.
    pub(super) fn started() -> &'static Self {
        POSTGRES.get().expect("a test database exists")
    }

    fn start() -> Self {
        let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
        // The user `postgres` can read this directory if tests run as root.
        let data_dir: PathBuf = std::env::temp_dir().join(format!("rollcall-tests-{user}"));
        Self::Embedded(Cluster::start(&ClusterOptions::tests(data_dir)).expect("a Postgres for tests"))
    }

    async fn find(url: &str) -> Self {
        let url = Url::parse(url).unwrap_or_else(|error| panic!("{URL_VARIABLE} is not a URL: {error}"));
        let database = url.path().trim_start_matches('/').to_owned();
        assert!(!database.is_empty(), "{URL_VARIABLE} must name a database, as in postgres://postgres@host/postgres");
        let client = connect(url.as_str()).await;
        let superuser = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user";
        let superuser: bool = client.query_one(superuser, &[]).await.unwrap().get(0);
        assert!(
            superuser,
            "the role of {URL_VARIABLE} must be a superuser: the tests create roles with fewer privileges"
        );
        Self::Given { url, database }
    }

    /// Creates the owner of the tables, the role of the service and the role of the jobs, unless they exist. Processes
    /// that start at the same time create them once.
    async fn create_roles(&self) {
        let (owner, DatabaseRoles { service, jobs }) = (self.owner(), self.roles());
        let create = |role: &str, command: String| {
            format!("IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN {command}; END IF;")
        };
        let commands = [
            create(owner, create_role(owner)),
            create(&jobs, create_role(&jobs)),
            create(&service, create_service_role(&service, &jobs)),
        ]
        .concat();
        let client = connect(&self.superuser_url(self.admin_database())).await;
        let all = format!("DO $$ BEGIN PERFORM pg_advisory_xact_lock(7026366874); {commands} END $$");
        client.batch_execute(&all).await.unwrap();
    }

    /// Returns whether the tests share one database of the server.
    pub(super) async fn is_shared(&self) -> bool {
        match self {
            Self::Embedded(_) => false,
            Self::Given { url, .. } => {
                std::env::var_os(SHARED_VARIABLE).is_some() || shared::has_citus(&connect(url.as_str()).await).await
            }
        }
    }

    /// The ordinary database role that owns the tables.
    pub(super) fn owner(&self) -> &'static str {
        match self {
            Self::Embedded(_) => "rollcall",
            Self::Given { .. } => GIVEN_OWNER,
        }
    }

    /// The role of the service and the role of the jobs.
    pub(super) fn roles(&self) -> DatabaseRoles {
        let owner = self.owner();
        DatabaseRoles { service: format!("{owner}_service"), jobs: format!("{owner}_jobs") }
    }

    /// A database that always exists. Databases are created and dropped there.
    pub(super) fn admin_database(&self) -> &str {
        match self {
            Self::Embedded(_) => "postgres",
            Self::Given { database, .. } => database,
        }
    }

    /// Returns the URL of a database for a role.
    pub(super) fn url(&self, role: &str, database: &str) -> String {
        match self {
            Self::Embedded(cluster) => cluster.url_as(role, database),
            Self::Given { url, .. } => {
                let mut url = url.clone();
                url.set_path(database);
                // These replace the user and the password before the host.
                url.query_pairs_mut().append_pair("user", role).append_pair("password", PASSWORD);
                url.into()
            }
        }
    }

    /// Returns the URL of a database for a superuser.
    pub(super) fn superuser_url(&self, database: &str) -> String {
        match self {
            Self::Embedded(cluster) => cluster.superuser_url(database),
            Self::Given { url, .. } => {
                let mut url = url.clone();
                url.set_path(database);
                url.into()
            }
        }
    }
}

/// Returns the statement that creates a role which may connect.
pub(super) fn create_role(role: &str) -> String {
    format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")
}

/// Returns the statement that creates a role for the service.
pub(super) fn create_service_role(role: &str, jobs: &str) -> String {
    format!("{} NOINHERIT IN ROLE {jobs}", create_role(role))
}
