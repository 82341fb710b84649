//! Detects whether a request's stream was received completely. When a caller disconnects, hyper and tonic report an
//! ordinary end of the stream, because they expect that the handler is dropped. Here the handler continues in its own task
//! (see `layers`), so it must not take half of a directory for the whole directory.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::{Request, Status, body::Body};

/// Whether the stream of a request was received completely. The layers put it in the request's extensions.
#[derive(Clone, Debug, Default)]
pub(crate) struct StreamCompletion(Arc<AtomicBool>);

impl StreamCompletion {
    /// Returns the completion of a request, from its extensions.
    pub(crate) fn of<T>(request: &Request<T>) -> Self {
        request.extensions().get().cloned().unwrap_or_default()
    }

    /// Checks that a stream which has ended is complete.
    ///
    /// # Errors
    /// `CANCELLED` when the caller has disconnected.
    pub(crate) fn check(&self) -> Result<(), Status> {
        if self.0.load(Ordering::Acquire) {
            return Ok(());
        }
        Err(Status::cancelled("the stream ended before it was complete; nothing was applied"))
    }

    /// Wraps the body of a request, and notes when its end is reached.
    pub(crate) fn watch(&self, body: Body) -> Body {
        Body::new(Watched { body, completion: self.clone() })
    }
}

struct Watched {
    body: Body,
    completion: StreamCompletion,
}

impl HttpBody for Watched {
    type Data = <Body as HttpBody>::Data;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() && self.body.is_end_stream() {
            self.completion.0.store(true, Ordering::Release);
        }
        Poll::Ready(frame)
    }

    // False until the reader polls the end: that poll notes the completion.
    fn is_end_stream(&self) -> bool {
        false
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
