//! Whether a request's stream came to its end. A caller who goes away ends it, too: hyper and tonic
//! show that as an ordinary end, because they count on the handler being dropped, and ours is not.
//! Half of a directory taken for the whole would be the worst there is.

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

/// Tells a handler whether all of its request has come; in the request's extensions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Whole(Arc<AtomicBool>);

impl Whole {
    /// What the layers have put beside a request.
    pub(crate) fn of<T>(request: &Request<T>) -> Self {
        request.extensions().get().cloned().unwrap_or_default()
    }

    /// To be asked once the stream has ended.
    pub(crate) fn check(&self) -> Result<(), Status> {
        if self.0.load(Ordering::Acquire) {
            return Ok(());
        }
        Err(Status::cancelled("the stream broke off before its end; nothing was applied"))
    }

    /// Watches a request's body.
    pub(crate) fn watch(&self, body: Body) -> Body {
        Body::new(Watched { body, whole: self.clone() })
    }
}

struct Watched {
    body: Body,
    whole: Whole,
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
            self.whole.0.store(true, Ordering::Release);
        }
        Poll::Ready(frame)
    }

    // Never told beforehand: the end is only seen by whoever reads up to it.
    fn is_end_stream(&self) -> bool {
        false
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
