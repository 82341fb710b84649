//! What tests and benchmarks share: a database for each test, a real server on it, and an
//! organization to begin with. A test that cannot get what it needs panics with the reason.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod database;
pub mod model;
mod organization;
mod raw;
mod server;

pub use database::{TestDatabase, data_dir};
pub use organization::{Member, Org};
pub use raw::call_raw;
pub use server::{TestServer, reason, refused};
