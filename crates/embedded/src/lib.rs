//! A Postgres server for one machine, run with the server programs that are installed there.
//!
//! The service uses this crate when no `DATABASE_URL` is given; the demo, the tests and the benchmarks always use it.
//!
//! Invariants:
//!
//! * A cluster belongs to one data directory. A file lock in it admits one exclusive user or any number of shared users.
//! * The server stops when its last user ends, even if that user is killed. See `guard.rs`.
//! * The server never runs as root. When this process is root, the server runs as user `postgres`, else `nobody`.
//! * The server listens only on a unix socket, in a directory that only the server's user may enter.
//! * Clients connect with the ordinary database role `rollcall`. The superuser's URL is for tests and benchmarks.
//!
//! Deliberately absent: Rollcall's schema and its migrations, creating databases (the caller does so with
//! [`Cluster::url`] of the database `postgres`), downloading Postgres, passwords and TCP, dependencies on other
//! Rollcall crates, and an async API. Every function here may block, for about a second when a server starts: async
//! callers use `spawn_blocking`.

mod binaries;
mod cluster;
mod error;
mod guard;
mod layout;
mod postmaster;
mod roles;
mod server;
mod user;

pub use cluster::{Cluster, ClusterMode, ClusterOptions};
pub use error::Error;
pub use user::running_as_root;

type Result<T, E = Error> = std::result::Result<T, E>;
