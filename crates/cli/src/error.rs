//! The error of a command: a message for a person, and an exit code for a script.

use std::process::ExitCode;

/// The result of a command.
pub type Result<T = ()> = std::result::Result<T, Error>;

/// The reason why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A flag, a variable or an argument is wrong: exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The work failed: exit code 1.
    #[error("{0}")]
    Failed(String),
}

impl Error {
    /// Returns an error in the command line or the environment.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// Returns an error in the work itself.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    /// Returns a conversion for `map_err`, which puts what was tried before the error's message and its causes.
    pub fn doing<E: std::error::Error>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |error| Self::Failed(format!("{what}: {}", with_causes(&error)))
    }

    /// Returns the exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::from(1),
        }
    }
}

/// Returns an error's message, followed by each cause that adds something to the message.
pub fn with_causes(error: &impl std::error::Error) -> String {
    add_causes(error.to_string(), error)
}

/// Returns the text, followed by each cause of the error that adds something to the text.
pub(crate) fn add_causes(mut text: String, error: &dyn std::error::Error) -> String {
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
        cause = error.source();
    }
    text
}
