//! Why there is no answer.

use std::sync::Arc;

use rollcall_domain::OrganizationId;

/// Why there is no answer. Without an answer nothing may be exported. All callers who wait for one load get the same error.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// There is no such organization.
    #[error("there is no organization `{0}`")]
    OrganizationNotFound(OrganizationId),
    /// The caller asks for a revision that this organization does not have.
    #[error("the organization has no such revision")]
    RevisionUnknown,
    /// The store cannot be reached, and nothing in memory is fresh enough.
    #[error("the store cannot be reached, and nothing in memory is fresh enough")]
    Unavailable(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// A bug, or stored data that is not valid.
    #[error("the store has failed")]
    Internal(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The error for a store that does not answer.
    pub(crate) fn unavailable(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(Arc::from(why.into()))
    }
}

impl From<rollcall_store::Error> for Error {
    fn from(error: rollcall_store::Error) -> Self {
        use rollcall_store::Error as Store;
        match error {
            Store::OrganizationNotFound(id) => Self::OrganizationNotFound(id),
            Store::InvalidData(_) | Store::Internal(_) | Store::Exists { .. } => Self::Internal(Arc::new(error)),
            // The others are states that pass.
            _ => Self::Unavailable(Arc::new(error)),
        }
    }
}
