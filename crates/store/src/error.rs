//! The store's errors. This is the only file that converts database errors: by their kind and constraint name.

use diesel::result::{DatabaseErrorKind, Error as Diesel};
use rollcall_domain::OrganizationId;

/// The constraint that keeps organizations' ids unique.
pub const ORGANIZATIONS_PKEY: &str = "organizations_pkey";

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No organization has this id.
    #[error("there is no organization `{0}`")]
    OrganizationNotFound(OrganizationId),
    /// The row violates a unique constraint.
    #[error("the row exists already: {constraint}")]
    Exists {
        /// The name of the constraint, without the suffix of a shard.
        constraint: &'static str,
    },
    /// The job's run has lost its lease to another process, so nothing was written.
    #[error("the run has lost its lease")]
    FenceLost,
    /// Another transaction holds the organization's lock, and the caller chose not to wait.
    #[error("another transaction holds the lock of the organization")]
    Busy,
    /// The transaction conflicted with another one each time that it ran.
    #[error("the transaction could not be serialized")]
    Serialization(#[source] Diesel),
    /// The database cannot be reached, or the connection was lost.
    #[error("the database cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A statement failed or a stored value is not valid: a bug, or a changed database.
    #[error("the database refused a statement")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The error for a stored value that is not valid.
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Internal(what.into().into())
    }
}

impl From<Diesel> for Error {
    fn from(error: Diesel) -> Self {
        match &error {
            Diesel::DatabaseError(kind, information) => match kind {
                DatabaseErrorKind::SerializationFailure => Self::Serialization(error),
                // After a failover the former primary is read-only.
                DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::ReadOnlyTransaction => Self::Unavailable(error.into()),
                // A shard of a distributed table appends a suffix to the name.
                DatabaseErrorKind::UniqueViolation if names_constraint(information.as_ref(), ORGANIZATIONS_PKEY) => {
                    Self::Exists { constraint: ORGANIZATIONS_PKEY }
                }
                _ => Self::Internal(error.into()),
            },
            Diesel::BrokenTransactionManager => Self::Unavailable(error.into()),
            _ => Self::Internal(error.into()),
        }
    }
}

fn names_constraint(information: &dyn diesel::result::DatabaseErrorInformation, name: &str) -> bool {
    information.constraint_name().is_some_and(|constraint| constraint.starts_with(name))
        || information.message().contains(name)
}
