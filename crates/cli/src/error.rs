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
    /// An error in the command line or the environment.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// An error in the work itself.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    /// For `map_err`: puts what was tried before the error's message and its causes.
    pub fn doing<E: std::error::Error>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        let what = what.into();
        move |error| Self::Failed(format!("{what}: {}", with_causes(&error)))
    }

    /// The exit code of the process.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::from(1),
        }
    }
}

/// An error's message, followed by each cause that adds something to it.
pub fn with_causes(error: &impl std::error::Error) -> String {
    let mut text = error.to_string();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn causes_follow_what_was_tried() {
        let error = Error::doing("cannot open the door")(Outer(std::io::Error::other("no key")));
        assert_eq!(error.to_string(), "cannot open the door: outer: no key");
    }
}
