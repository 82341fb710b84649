//! Streams of a server's answers.

use std::pin::Pin;

use tokio_stream::Stream;
use tonic::Status;

/// A stream of messages that carry pieces of a file.
pub(crate) type ByteStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;
