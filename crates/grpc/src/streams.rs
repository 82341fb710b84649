//! Streams of response messages, and of request messages.

use std::time::Duration;

use rollcall_domain::Violation;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_stream::{Stream, StreamExt as _, wrappers::ReceiverStream};
use tonic::{Code, Status, Streaming};
use tracing::Instrument as _;

use crate::{budgets::CallPlace, status};

/// A stream of messages that carry pieces of a file.
pub(crate) type FileStream<T> = ReceiverStream<Result<T, Status>>;

/// Sends the pieces of a file as fast as the caller reads them, for at most `limit`. The call gives its
/// place back when the last piece is read from its source or the time is over, even if the caller has stopped reading.
pub(crate) fn send_pieces<T: Send + 'static>(
    pieces: impl Stream<Item = Result<T, Status>> + Send + 'static,
    limit: Duration,
) -> FileStream<T> {
    // The second place is for the error at the time limit.
    let (sender, receiver) = mpsc::channel(2);
    let Ok(last) = sender.clone().try_reserve_owned() else { return ReceiverStream::new(receiver) };
    let (place, deadline) = (CallPlace::current(), Instant::now() + limit);
    let sending = async move {
        let _place = place;
        let mut pieces = Box::pin(pieces);
        let all = async {
            while let Some(piece) = pieces.next().await {
                if sender.send(piece).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! {
            biased;
            () = sleep_until(deadline) => drop(last.send(Err(status::stream_time_limit(limit)))),
            () = all => {}
        }
    };
    tokio::spawn(sending.in_current_span());
    ReceiverStream::new(receiver)
}

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
