//! Rollcall's Postgres: the only crate that knows diesel and SQL.
//!
//! Functions take a [`ReadTx`] or a [`WriteTx`], which cannot be had without an organization;
//! every statement filters by it. Only jobs, their runs and reports span organizations, through
//! [`Db::system`]. What diesel cannot say well is one commented file a statement in `sql/`.

pub mod assignments;
pub mod audit;
pub mod changes;
mod db;
pub mod directory;
pub mod email_export;
mod error;
pub mod installation;
pub mod jobs;
pub mod members;
pub mod migrate;
pub mod migration;
pub mod organizations;
pub mod reports;
pub mod requests;
mod schema;
pub mod seats;
mod tx;
mod words;

pub use db::{Db, Fence, Limits, Options, SystemConn, TxBody, TxError};
pub use error::{Error, ORGANIZATIONS_PKEY};
pub use tx::{ReadTx, WriteTx};

/// What a store function answers.
pub type Result<T> = std::result::Result<T, Error>;
