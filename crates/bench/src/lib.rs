//! What the benchmarks share: an organization to be measured with, a Postgres of their own, the real server as a process, its memory,
//! and ratios of times that were measured in turn. How to run them is in docs/benchmarks.

pub mod directory;
pub mod machine;
pub mod memory;
pub mod postgres;
pub mod ratio;
pub mod server;

/// Whatever went wrong: a benchmark stops at the first error and says it.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What most functions here answer.
pub type Result<T = ()> = std::result::Result<T, Error>;

/// An error with everything that led to it, as one line.
#[must_use]
pub fn describe(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}
