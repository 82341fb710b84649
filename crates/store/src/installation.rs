//! The installation: values that all its replicas share, and its identity.

use diesel::{QueryableByName, prelude::*, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Db, Error, Result, SystemConn, schema::installation};

/// The oid of the database: a copy of the database on the same server has another one.
const DATABASE_OID: &str = "SELECT oid::text AS value FROM pg_database WHERE datname = current_database()";
/// A copy of the database on another server has another one, unless the whole server was copied.
const SYSTEM_IDENTIFIER: &str = "SELECT system_identifier::text AS value FROM pg_control_system()";
/// The first eight digits of a WAL file are the timeline in hexadecimal. A standby or a restored base backup that becomes
/// a primary has a new timeline. `pg_control_checkpoint()` shows it only after the next checkpoint.
const TIMELINE: &str = "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8) AS value";

/// The identity of an installation. A copy of the database has another identity than the original, as far as Postgres
/// shows a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallationIdentity {
    /// An id that was created with the installation. A copy of the database has the same.
    pub installation: String,
    /// How often a backup was restored, as `rollcall restored` has counted it.
    pub restores: i32,
    /// The oid of the database.
    pub database: Option<String>,
    /// The system identifier of the Postgres server. `None` if the database role may not read it.
    pub system: Option<String>,
    /// The timeline of the Postgres server, in hexadecimal. `None` if the database role may not read it.
    pub timeline: Option<String>,
}

#[derive(QueryableByName)]
struct ValueRow {
    #[diesel(sql_type = Text)]
    value: String,
}

/// Reads the key that signs page tokens. The first call creates it.
pub async fn get_page_token_key(db: &Db) -> Result<Vec<u8>> {
    db.system("get_page_token_key", async |conn: &mut SystemConn| {
        create(conn).await?;
        Ok(installation::table.select(installation::page_token_key).first(conn).await?)
    })
    .await
}

/// Reads the identity. The first call creates the id.
pub async fn get_identity(db: &Db) -> Result<InstallationIdentity> {
    let (installation, restores) = db
        .system("get_installation", async |conn: &mut SystemConn| {
            create(conn).await?;
            let row =
                installation::table.select((installation::installation_id.assume_not_null(), installation::restores));
            Ok::<(Uuid, i32), Error>(row.first(conn).await?)
        })
        .await?;
    Ok(InstallationIdentity {
        installation: installation.to_string(),
        restores,
        database: find_value(db, DATABASE_OID).await?,
        system: find_value(db, SYSTEM_IDENTIFIER).await?,
        timeline: find_value(db, TIMELINE).await?,
    })
}

/// Counts that a backup of the database was restored: from now on the identity differs from that of the original.
pub async fn add_restore(db: &Db) -> Result<()> {
    db.system("add_restore", async |conn: &mut SystemConn| {
        create(conn).await?;
        let more = installation::restores.eq(installation::restores + 1);
        diesel::update(installation::table).set(more).execute(conn).await?;
        Ok(())
    })
    .await
}

/// Creates the row and its id if they do not exist.
async fn create(conn: &mut AsyncPgConnection) -> Result<()> {
    let key: [u8; 32] = rand::random();
    diesel::insert_into(installation::table)
        .values((installation::id.eq(true), installation::page_token_key.eq(&key[..])))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    diesel::update(installation::table.filter(installation::installation_id.is_null()))
        .set(installation::installation_id.eq(Uuid::now_v7()))
        .execute(conn)
        .await?;
    Ok(())
}

/// Reads a value of the server. Returns `None` if the server refuses: a managed Postgres may not show it to the role.
async fn find_value(db: &Db, sql: &'static str) -> Result<Option<String>> {
    let found = db
        .statement(async |conn: &mut SystemConn| {
            let row: ValueRow = diesel::sql_query(sql).get_result(conn).await?;
            Ok(Some(row.value))
        })
        .await;
    match found {
        Err(Error::Internal(cause)) => {
            tracing::debug!(cause, sql, "the server does not show a part of the identity of the installation");
            Ok(None)
        }
        found => found,
    }
}
