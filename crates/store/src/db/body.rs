//! What runs inside a transaction, and what it may fail with.

use crate::Error;

/// What runs inside a transaction: an async closure whose future can move between threads. (Rust
/// cannot say yet that an async closure's future is `Send`; diesel-async does it this way, too.)
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

/// What a transaction's body may fail with.
pub trait TxError: From<Error> {
    /// Whether the same transaction may succeed when it is run again.
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
