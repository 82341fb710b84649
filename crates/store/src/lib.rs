//! Rollcall's Postgres: the only crate that knows diesel and SQL.
//!
//! Functions take a [`ReadTx`] or a [`WriteTx`], which cannot be had without an organization;
//! every statement filters by it. Only jobs, their runs and reports span organizations, through
//! [`Db::system`]. What diesel cannot say well is one commented file a statement in `sql/`.

mod arrays;
pub mod assignments;
pub mod audit;
pub mod changes;
mod db;
pub mod directory;
pub mod email_export;
pub mod embedded;
mod enum_columns;
mod error;
pub mod installation;
pub mod jobs;
pub mod members;
pub mod migrate;
pub mod migration;
pub mod organizations;
mod plan_cache;
pub mod reports;
pub mod requests;
mod schema;
pub mod seats;

pub use db::{Db, Fence, Limits, Options, ReadTx, SystemConn, TxBody, TxError, WriteTx};
pub use error::{Error, ORGANIZATIONS_PKEY};

/// What a store function answers.
pub type Result<T> = std::result::Result<T, Error>;
