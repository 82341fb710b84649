//! The error of this crate: one line for a person, which says what is wrong and what to do.

use std::io;
use std::path::Path;

/// Why the embedded Postgres cannot be found, started or stopped.
///
/// The message includes the cause, so there is no `source`. There are no variants, because every caller reports the
/// message and ends.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// Converts an I/O error on a file or directory, for `map_err`. `action` is a verb.
    pub(crate) fn io(action: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let subject = format!("cannot {action} {}", path.display());
        move |cause| Self(format!("{subject}: {cause}; mend that, or choose another directory with --data-dir"))
    }

    /// Converts the error of a program that cannot be run, for `map_err`.
    pub(crate) fn spawn(program: &Path) -> impl FnOnce(io::Error) -> Self {
        let program = program.display().to_string();
        move |cause| {
            Self(format!("cannot run {program}: {cause}; check that it is installed and that this user may run it"))
        }
    }
}
