//! Database errors as typed ones, by kind and constraint name, in this one place.

use diesel::result::{DatabaseErrorKind, Error as Diesel};
use rollcall_domain::OrganizationId;

/// The constraint that keeps organizations' ids unique.
pub const ORGANIZATIONS_PKEY: &str = "organizations_pkey";

/// What can go wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such organization.
    #[error("there is no organization `{0}`")]
    OrganizationNotFound(OrganizationId),
    /// A unique constraint does not allow the row; its name.
    #[error("the row is there already: {constraint}")]
    Exists {
        /// The constraint, without a shard's suffix.
        constraint: &'static str,
    },
    /// The run has lost its lease: another process works on it, so nothing was written.
    #[error("the run has lost its lease")]
    FenceLost,
    /// Another transaction works on the organization, and it was not to be waited for.
    #[error("another transaction works on the organization")]
    Busy,
    /// Another transaction was in the way; trying again helps, and was tried.
    #[error("the transaction could not be serialized")]
    Serialization(#[source] Diesel),
    /// The database cannot be reached, or the connection broke.
    #[error("the database cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Anything else: a bug of ours, or a database that is not as we left it.
    #[error("the database refused a statement")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// Something stored that the rules do not allow.
    pub(crate) fn corrupt(what: impl Into<String>) -> Self {
        Self::Internal(what.into().into())
    }
}

impl From<Diesel> for Error {
    fn from(error: Diesel) -> Self {
        match &error {
            Diesel::DatabaseError(kind, information) => match kind {
                DatabaseErrorKind::SerializationFailure => Self::Serialization(error),
                // Read-only is what a server is that another one has taken over from.
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
