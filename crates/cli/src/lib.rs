//! The commands of the program `rollcall` that act as a client: `assignment`, `job`, `member`, `migration`, `report`,
//! `doctor`, `import` and `demo`.
//!
//! The source tree is the command tree of `rollcall --help`: `rollcall migration plan` is `migration/plan.rs`, which
//! also holds the arguments of the command.
//!
//! Invariants:
//!
//! * A command changes an organization only through the API of a server, over gRPC. It never uses the database.
//! * This crate never depends on the server's crates (`rollcall`, `store`, `app`, `grpc`, `jobs`), and it cannot start
//!   a server. The crate `rollcall` connects each command to a server: the server at `--target`, or a server that it
//!   starts in its own process.
//! * `report verify` reads published files and shares no code with the job that writes them, so that it finds what any
//!   other reader would find.
//! * No two files of this crate import each other.
//!
//! From `domain` the crate uses the forms of ids, email addresses and filters and the escaping of text for spreadsheets.

pub mod assignment;
mod client_tls;
mod connection;
mod csv_file;
pub mod demo;
pub mod doctor;
pub mod error;
pub mod folder;
pub mod import;
pub mod job;
pub mod member;
pub mod migration;
mod output;
mod progress;
pub mod report;
mod token;
pub mod values;

pub use client_tls::ClientTlsArguments;
pub use connection::{ServerConnection, TargetArguments, call_failed};
pub use error::{Error, Result};
pub use output::print_line;
pub use progress::JobProgress;
pub use token::CredentialArguments;
