//! A Postgres of our own, made with the server binaries of this machine.
//!
//! It exists so that `rollcall` and its tests run where nobody has prepared a database. It is for one machine and
//! one user: no TCP, no password, a unix socket in a directory that only the server's user can enter.
//!
//! Everything here blocks (a start takes about a second): async callers go through `spawn_blocking`. Creating
//! databases inside the cluster is the caller's work, over a connection to the database `postgres`, which always
//! exists, as the ordinary role that owns them.

mod binaries;
mod cluster;
mod error;
mod guard;
mod layout;
mod postmaster;
mod roles;
mod server;
mod user;

pub use binaries::ServerBinaries;
pub use cluster::{Cluster, ClusterMode, ClusterOptions};
pub use error::EmbeddedError;
pub use user::running_as_root;
