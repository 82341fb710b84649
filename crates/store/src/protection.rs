//! Row-level security and the privileges of the database roles (ADR 32).
//!
//! Every table of organizations has three policies. `organization` shows the rows of the organization that the transaction
//! has set. `owner` and `all_organizations` show all rows, to the owner of the tables and to the role of the jobs.

use diesel::{
    QueryableByName,
    sql_types::{BigInt, Text},
};
use diesel_async::{AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection, TransactionManager};

use crate::{Db, Error, Result, db::VisibleRows};

/// The names of the database roles that get their privileges with the schema migrations. The role that owns the tables
/// is the one that runs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseRoles {
    /// The role that the service connects as.
    pub service: String,
    /// The role that statements about all organizations have. The service's role is a member of it, and does not inherit
    /// its privileges.
    pub jobs: String,
}

impl Default for DatabaseRoles {
    fn default() -> Self {
        Self { service: "rollcall_service".to_owned(), jobs: "rollcall_jobs".to_owned() }
    }
}

/// A command that is missing in the database.
#[derive(QueryableByName)]
struct MissingCommand {
    /// The table that it changes.
    #[diesel(sql_type = BigInt)]
    object: i64,
    #[diesel(sql_type = Text)]
    command: String,
}

/// Protects the tables of organizations, and gives the roles that exist their privileges. Each table is a transaction of
/// its own, so that few locks are held together. Does nothing if nothing is missing.
pub(crate) async fn protect(conn: &mut AsyncPgConnection, roles: &DatabaseRoles) -> Result<()> {
    let missing: Vec<MissingCommand> = diesel::sql_query(include_str!("protection.sql"))
        .bind::<Text, _>(&roles.service)
        .bind::<Text, _>(&roles.jobs)
        .load(conn)
        .await?;
    for of_table in missing.chunk_by(|one, next| one.object == next.object) {
        AnsiTransactionManager::begin_transaction(conn).await?;
        for MissingCommand { command, .. } in of_table {
            conn.batch_execute(command).await.map_err(|error| {
                Error::Internal(format!("cannot protect the rows of organizations with `{command}`: {error}").into())
            })?;
        }
        AnsiTransactionManager::commit_transaction(conn).await?;
    }
    Ok(())
}

/// Returns whether the database role of the service sees the rows of every organization, whatever a transaction has set.
pub async fn sees_all_organizations(db: &Db) -> Result<bool> {
    Ok(db.visible_rows().await? == VisibleRows::All)
}
