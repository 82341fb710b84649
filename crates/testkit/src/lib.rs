//! Shared support of tests and benchmarks: a database for each test, a real server on it, and an initial
//! organization. The functions panic if the setup fails.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod certificates;
mod clock;
pub mod contract;
mod cut_channel;
mod database;
mod disk;
mod dump;
pub mod issuer;
mod organization;
mod proxy;
mod random;
mod raw_call;
mod refused_call;
pub mod samples;
mod server;
mod size;
pub mod standard;

pub use certificates::{TestAuthority, TestCertificate};
pub use clock::TestClock;
pub use cut_channel::cut_channel;
pub use database::{BlockedSessions, TestDatabase};
pub use disk::TestDisk;
pub use dump::{Dump, difference, dump};
pub use organization::{Member, Org, no_settings};
pub use proxy::{Direction, Fault, FaultProxy, FaultTrigger};
pub use random::Random;
pub use raw_call::call_raw;
pub use refused_call::RefusedCall;
pub use rollcall_grpc::DecisionOptions;
pub use rollcall_jobs::{JobOptions, Schedule, TimeZone};
pub use server::{Replica, TestServer, connect, reason, refused};
pub use size::{copy_assignment, enlarge, rows_read};
