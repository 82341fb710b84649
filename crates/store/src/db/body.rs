//! The body of a transaction, and the errors that it may return.

use crate::Error;

/// An async closure that runs inside a transaction and whose future can move between threads. (Rust cannot yet require
/// that an async closure's future is `Send`; diesel-async uses the same workaround.)
pub trait TxBody<Tx, R>: AsyncFnOnce(Tx) -> R + FnOnce(Tx) -> <Self as TxBody<Tx, R>>::Fut {
    /// The closure's future.
    type Fut: Future<Output = R>;
}

impl<F, Tx, Fut, R> TxBody<Tx, R> for F
where
    F: AsyncFnOnce(Tx) -> R + FnOnce(Tx) -> Fut,
    Fut: Future<Output = R>,
{
    type Fut = Fut;
}

/// An error that a transaction's body may return.
pub trait TxError: From<Error> {
    /// Whether the transaction may succeed when it runs again.
    fn is_retryable(&self) -> bool;

    /// Whether it is [`Error::Internal`].
    fn is_internal(&self) -> bool;
}

impl TxError for Error {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Serialization(_))
    }

    fn is_internal(&self) -> bool {
        matches!(self, Self::Internal(_))
    }
}
