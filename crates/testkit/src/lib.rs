//! What tests and benchmarks share: a database for each test, a real server on it, and an
//! organization to begin with. A test that cannot get what it needs panics with the reason.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod clock;
pub mod contract;
mod database;
mod dump;
pub mod model;
mod organization;
mod proxy;
mod random;
mod raw;
mod refusal;
pub mod samples;
mod server;
pub mod standard;
mod wire;

pub use clock::TestClock;
pub use database::{TestDatabase, data_dir};
pub use dump::{Dump, difference, dump};
pub use organization::{Member, Org};
pub use proxy::{Fault, FaultProxy, Trap, Way};
pub use random::Random;
pub use raw::call_raw;
pub use refusal::Refusal;
pub use rollcall_jobs::{JobOptions, Schedule, TimeZone};
pub use server::{TestServer, reason, refused};
pub use wire::breaking_channel;
