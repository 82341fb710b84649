//! Who connects. `initdb` makes a superuser, whom no privilege holds back; so everybody connects as an ordinary role,
//! which makes the databases and owns what is in them.

use std::thread;

use tokio_postgres::{Client, NoTls};

use super::error::EmbeddedError;

/// Made by `initdb`; always there.
pub(super) const SUPERUSER: &str = "postgres";
/// Everybody else.
pub(super) const ROLE: &str = "rollcall";

const MAKE: &str = "DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rollcall') THEN
        CREATE ROLE rollcall LOGIN CREATEDB;
    END IF;
END $$";

const OF_OTHERS: &str = "SELECT d.datname::text FROM pg_database AS d INNER JOIN pg_roles AS r ON r.oid = d.datdba
    WHERE r.rolname <> 'rollcall' AND NOT d.datistemplate AND d.datname <> 'postgres'";

const TAKE_OVER: &str = "DO $$ DECLARE taken regclass; BEGIN
    FOR taken IN SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO rollcall', taken);
    END LOOP;
    EXECUTE format('ALTER DATABASE %I OWNER TO rollcall', current_database());
END $$";

/// Makes the ordinary role unless it is there. `url` is the superuser's, of a database.
pub(super) fn make(url: impl Fn(&str) -> String + Sync) -> Result<(), EmbeddedError> {
    run(async || connect(&url(SUPERUSER)).await?.batch_execute(MAKE).await)
}

/// Makes it, and gives it the databases of earlier versions, which connected as the superuser.
pub(super) fn make_and_take_over(url: impl Fn(&str) -> String + Sync) -> Result<(), EmbeddedError> {
    run(async || {
        let client = connect(&url(SUPERUSER)).await?;
        client.batch_execute(MAKE).await?;
        for row in client.query(OF_OTHERS, &[]).await? {
            connect(&url(row.get(0))).await?.batch_execute(TAKE_OVER).await?;
        }
        Ok(())
    })
}

/// Runs it on a thread of its own: the caller's may have a runtime already, which would not have it blocked.
fn run(work: impl AsyncFn() -> Result<(), tokio_postgres::Error> + Sync) -> Result<(), EmbeddedError> {
    let run = || -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let done = runtime.map_err(|error| error.to_string())?.block_on(work());
        done.map_err(|error| std::error::Error::source(&error).unwrap_or(&error).to_string())
    };
    let done = thread::scope(|scope| scope.spawn(run).join());
    let done = done.unwrap_or_else(|_| Err("it panicked".to_owned()));
    done.map_err(|cause| EmbeddedError::Role { role: ROLE, cause })
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
