//! Streams of response messages, and of request messages.

use std::pin::Pin;

use rollcall_domain::Violation;
use tokio_stream::Stream;
use tonic::{Code, Status, Streaming};

use crate::status;

/// A stream of messages that carry pieces of a file.
pub(crate) type FileStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Returns the next message of a request. The error of tonic for a message that is too large does not say what to do, so it
/// is replaced.
pub(crate) async fn next<T>(stream: &mut Streaming<T>) -> Result<Option<T>, Status> {
    stream.message().await.map_err(|error| match error.code() {
        Code::OutOfRange => {
            let text = "a message of the stream is larger than 4 MiB, so nothing was applied; send its rows in several";
            status::invalid(vec![Violation::invalid("", text)])
        }
        _ => error,
    })
}
