//! The database roles of a cluster.
//!
//! `initdb` creates a superuser, and privileges do not limit a superuser. So an ordinary database role creates the
//! databases and owns what is in them. The service connects as a third role, which owns nothing, and which row-level
//! security binds. It may become the role of the jobs.

use std::error::Error as _;
use std::thread;

use tokio_postgres::{Client, NoTls};

use crate::{ClusterMode, Error, Result};

/// The superuser that `initdb` creates, and the name of the database that always exists.
pub(crate) const SUPERUSER: &str = "postgres";
/// The ordinary database role that owns the databases.
pub(crate) const ROLE: &str = "rollcall";
/// The role of the service.
pub(crate) const SERVICE: &str = "rollcall_service";

const CREATE_ROLES: &str = "DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rollcall') THEN
        CREATE ROLE rollcall LOGIN CREATEDB;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rollcall_jobs') THEN
        CREATE ROLE rollcall_jobs;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rollcall_service') THEN
        CREATE ROLE rollcall_service LOGIN NOINHERIT IN ROLE rollcall_jobs;
    END IF;
END $$";

const DATABASES_OF_OTHERS: &str =
    "SELECT d.datname::text FROM pg_database AS d INNER JOIN pg_roles AS r ON r.oid = d.datdba
    WHERE r.rolname <> 'rollcall' AND NOT d.datistemplate AND d.datname <> 'postgres'";

const TAKE_OVER_DATABASE: &str = "DO $$ DECLARE taken regclass; BEGIN
    FOR taken IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO rollcall', taken);
    END LOOP;
    EXECUTE format('ALTER DATABASE %I OWNER TO rollcall', current_database());
END $$";

/// Creates the database roles that are missing. In exclusive mode, the owner also gets the databases that an earlier
/// version of Rollcall created as the superuser. `url` returns the superuser's URL of a database.
pub(crate) fn prepare(mode: ClusterMode, url: impl Fn(&str) -> String + Sync) -> Result<()> {
    let work = async || {
        let client = connect(&url(SUPERUSER)).await?;
        client.batch_execute(CREATE_ROLES).await?;
        if mode == ClusterMode::Exclusive {
            for row in client.query(DATABASES_OF_OTHERS, &[]).await? {
                connect(&url(row.get(0))).await?.batch_execute(TAKE_OVER_DATABASE).await?;
            }
        }
        Ok(())
    };
    let run = || -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let done: Result<(), tokio_postgres::Error> = runtime.map_err(|error| error.to_string())?.block_on(work());
        done.map_err(|error| error.source().unwrap_or(&error).to_string())
    };
    // On a thread of its own, because the caller's thread may be inside a runtime, which forbids `block_on`.
    let done = thread::scope(|scope| scope.spawn(run).join()).unwrap_or_else(|_| Err("a panic".to_owned()));
    done.map_err(|cause| {
        Error::new(format!(
            "cannot create the database roles in the embedded Postgres: {cause}; \
             start it again, or give DATABASE_URL"
        ))
    })
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
