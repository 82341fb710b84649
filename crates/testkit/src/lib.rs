//! What tests and benchmarks share: a database for each test, a real server on it, and an
//! organization to begin with. A test that cannot get what it needs panics with the reason.

#![allow(clippy::unwrap_used, clippy::expect_used)]

pub mod contract;
mod database;
mod dump;
mod gate;
pub mod model;
mod organization;
mod random;
mod raw;
mod refusal;
pub mod samples;
mod server;
pub mod standard;
mod wire;

pub use database::{TestDatabase, data_dir};
pub use dump::{Dump, difference, dump};
pub use gate::Gate;
pub use organization::{Member, Org};
pub use random::Random;
pub use raw::call_raw;
pub use refusal::Refusal;
pub use server::{TestServer, reason, refused};
pub use wire::breaking_channel;
