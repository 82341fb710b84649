//! The parts that the benchmarks share: an organization of a fixed content, a Postgres server, the real Rollcall server
//! as a process, its memory, and ratios of paired times. docs/benchmarks says how to run the benchmarks.

pub mod directory;
pub mod machine;
pub mod memory;
pub mod postgres;
pub mod program;
pub mod ratio;
pub mod requests;
pub mod seed;
pub mod server;
pub mod table;

/// Any error: a benchmark stops at the first error and prints it.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The result of most functions of this crate.
pub type Result<T = ()> = std::result::Result<T, Error>;
