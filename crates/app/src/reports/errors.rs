//! How failures below the reports become errors of the use cases.

use crate::Error;

/// A report store that failed, or that cannot be reached.
pub(super) fn store_unavailable(error: object_store::Error) -> Error {
    Error::Unavailable(error.into())
}

/// A failure that only a bug can cause.
pub(super) fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Internal(error.into())
}
