//! Ends a stream when the token of its caller expires.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use tonic::{Status, body::Body};

use super::status::expired_in_stream;

/// Wraps the body of a request. After the time it ends with an error, which the handler returns.
pub(super) fn end_request(body: Body, after: Duration) -> Body {
    Body::new(ExpiringBody { body, expiry: Box::pin(sleep(after)), ended: false, is_request: true })
}

/// Wraps the body of a response. After the time it ends with a status.
pub(super) fn end_response(body: Body, after: Duration) -> Body {
    Body::new(ExpiringBody { body, expiry: Box::pin(sleep(after)), ended: false, is_request: false })
}

struct ExpiringBody {
    body: Body,
    expiry: Pin<Box<Sleep>>,
    ended: bool,
    is_request: bool,
}

impl HttpBody for ExpiringBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if self.expiry.as_mut().poll(cx).is_pending() {
            return Pin::new(&mut self.body).poll_frame(cx);
        }
        self.ended = true;
        let status = expired_in_stream();
        if self.is_request {
            return Poll::Ready(Some(Err(status)));
        }
        // What the handler sends is not read any more.
        self.body = Body::empty();
        let mut trailers = http::HeaderMap::new();
        let written = status.add_header(&mut trailers);
        Poll::Ready(Some(written.map(|()| Frame::trailers(trailers))))
    }

    // A request that was ended here is not complete. See `StreamCompletion`.
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
