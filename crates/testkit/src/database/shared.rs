//! The database that the tests share where databases cannot be created. One test at a time holds it, and each test
//! begins with new tables, distributed if the database has Citus. So every test has organizations of its own, and the
//! tests that list all organizations or run jobs over them need no change.

use std::time::Duration;

use rollcall_store::DatabaseRoles;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{
    APPLICATION, connect, migrate,
    postgres::{TestPostgres, create_service_role},
};

/// The advisory lock of the test that holds the database.
const LOCK: i64 = 7_026_366_875;

/// How long the other tests of this process and of other processes may take.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// The comment on the schema of a database that the tests may empty.
const MARK: &str = "The tests of Rollcall may delete everything in this schema.";

const DISTRIBUTE: &str = include_str!("../../../../migrations/distribute.sql");

/// Removes all tables and functions of the schema, and all schemas that a test may have left.
const DROP_ALL: &str = "DO $$ DECLARE everything text; made regprocedure; BEGIN
    SELECT string_agg(format('%I', tablename), ', ') INTO everything FROM pg_tables WHERE schemaname = 'public';
    IF everything IS NOT NULL THEN
        EXECUTE 'DROP TABLE ' || everything || ' CASCADE';
    END IF;
    FOR made IN
        SELECT p.oid FROM pg_proc AS p WHERE p.pronamespace = 'public'::regnamespace
            AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
    LOOP
        EXECUTE 'DROP FUNCTION ' || made || ' CASCADE';
    END LOOP;
    DROP SCHEMA IF EXISTS test_clock CASCADE;
END $$";

/// The shared database while a test holds it.
#[derive(Debug)]
pub(super) struct SharedDatabase {
    /// The process of the session that holds the lock.
    lock_holder: i32,
    /// The database roles of this test. The role of the service is the test's own. No other test can be reached with it:
    /// when the test has ended, tasks that it left behind cannot connect again.
    roles: DatabaseRoles,
    /// Keeps the session with the lock.
    _lock: Client,
}

impl SharedDatabase {
    /// Waits until no other test holds the database, and creates the tables.
    pub(super) async fn acquire(postgres: &TestPostgres) -> Self {
        let superuser_url = postgres.superuser_url(postgres.admin_database());
        let lock = connect(&superuser_url).await;
        lock.batch_execute(&format!("SET application_name = '{APPLICATION}-lock'")).await.unwrap();
        // Poll: CREATE INDEX CONCURRENTLY of the holder would wait for the statement of a session that waits.
        let taking = async {
            while !lock.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK]).await.unwrap().get::<_, bool>(0) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let taken = tokio::time::timeout(TIMEOUT, taking).await;
        taken.expect("another test holds the database for too long; does this test use two databases?");
        let lock_holder = lock.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
        let admin = connect(&superuser_url).await;
        let owner = postgres.owner();
        refuse_foreign_tables(&admin).await;
        admin.batch_execute(DROP_ALL).await.unwrap();
        admin.batch_execute(&format!("GRANT ALL ON SCHEMA public TO {owner}")).await.unwrap();
        let service = format!("{owner}_{}", Uuid::now_v7().simple());
        let roles = DatabaseRoles { service, ..postgres.roles() };
        admin.batch_execute(&create_service_role(&roles.service, &roles.jobs)).await.unwrap();
        migrate(postgres.url(owner, postgres.admin_database()), roles.clone()).await;
        Self { lock_holder, roles, _lock: lock }
    }

    pub(super) fn roles(&self) -> &DatabaseRoles {
        &self.roles
    }

    /// Ends the sessions of the test, and leaves the database to the next test.
    pub(super) async fn release(self, admin: &Client) {
        let role = &self.roles.service;
        let sessions = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
                AND (usename = '{role}' OR application_name = '{APPLICATION}')"
        );
        let forget = format!("ALTER ROLE {role} NOLOGIN; {sessions}; DROP OWNED BY {role}; DROP ROLE {role}");
        if let Err(error) = admin.batch_execute(&forget).await {
            eprintln!("the role {role} stays: {error:?}");
        }
        let _ = admin.query("SELECT pg_terminate_backend($1::integer)", &[&self.lock_holder]).await;
    }
}

/// Panics if the database has tables that the tests did not create.
async fn refuse_foreign_tables(admin: &Client) {
    let sql = "SELECT obj_description('public'::regnamespace, 'pg_namespace'),
            EXISTS (SELECT FROM pg_tables WHERE schemaname = 'public')";
    let row = admin.query_one(sql, &[]).await.unwrap();
    let (comment, has_tables): (Option<String>, bool) = (row.get(0), row.get(1));
    assert!(
        !has_tables || comment.as_deref() == Some(MARK),
        "the database of ROLLCALL_TEST_DATABASE_URL has tables that the tests did not create: name an empty database"
    );
    admin.batch_execute(&format!("COMMENT ON SCHEMA public IS '{MARK}'")).await.unwrap();
}

/// Distributes the tables if the database has Citus.
pub(super) async fn distribute(superuser: &Client) {
    if has_citus(superuser).await {
        superuser.batch_execute(DISTRIBUTE).await.unwrap();
    }
}

/// Returns whether the database has the Citus extension.
pub(super) async fn has_citus(client: &Client) -> bool {
    let sql = "SELECT FROM pg_extension WHERE extname = 'citus'";
    client.query_opt(sql, &[]).await.unwrap().is_some()
}
