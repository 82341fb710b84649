//! Rollcall's Postgres: the only crate that uses diesel and SQL.
//!
//! * A function that reads or writes an organization takes a [`ReadTx`] or a [`WriteTx`], which exist only for one
//!   organization. Every statement filters by it, and row-level security hides the rows of all others (ADR 32). Jobs,
//!   their runs and reports belong to no organization: [`Db::system`]. Only lists of operators and jobs read rows of all
//!   organizations: [`Db::read_all`].
//! * A statement that diesel cannot express well is a commented file in `sql/`.
//! * Every function may return [`Error::Unavailable`] when the database cannot be reached, and [`Error::Internal`] when a
//!   statement fails or a stored value is not valid. A transaction that returns an error writes nothing. `# Errors`
//!   sections list only the other errors.

pub mod address_holdings;
pub mod announcements;
mod arrays;
pub mod assignments;
pub mod audit;
mod bounded_reads;
pub mod changes;
mod db;
pub mod decisions;
pub mod directory;
mod domain_columns;
pub mod email_export;
mod enum_columns;
mod error;
pub mod installation;
pub mod jobs;
mod json_column;
pub mod members;
pub mod migrate;
pub mod migration;
pub mod organizations;
mod plan_cache;
pub mod protection;
pub mod reports;
pub mod requests;
mod schema;
pub mod seats;
pub mod self_check;

pub use db::{
    ConnectionShares, ConnectionUse, Db, Fence, Limits, Options, ReadTx, SystemConn, TxBody, TxError, WriteOptions,
    WriteTx, run_for_caller,
};
pub use error::{Error, ORGANIZATIONS_PKEY};
pub use json_column::JsonColumn;
pub use protection::DatabaseRoles;

/// The result of a store function.
pub type Result<T> = std::result::Result<T, Error>;
