//! The bodies of a call: the request reserves memory while it is read, and the response holds it until it is sent.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::{Status, body::Body};

use super::place::{CallPlace, Reserved};

/// Wraps the body of a request so that its bytes are reserved when they are read. The body ends with an error when the
/// budget has no room for them.
pub(crate) fn metered(body: Body, place: Arc<CallPlace>) -> Body {
    Body::new(Metered { body, place })
}

struct Metered {
    body: Body,
    place: Arc<CallPlace>,
}

impl HttpBody for Metered {
    type Data = <Body as HttpBody>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let bytes = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, |data| data.len());
        match self.place.reserve(bytes) {
            Ok(()) => Poll::Ready(frame),
            Err(refused) => Poll::Ready(Some(Err(refused.into_status()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Wraps the body of a response so that the memory of its call stays reserved until the body is sent.
pub(crate) fn hold_until_sent(body: Body, place: &CallPlace) -> Body {
    Body::new(Held { body, _reserved: place.reserved() })
}

struct Held {
    body: Body,
    _reserved: Arc<Reserved>,
}

impl HttpBody for Held {
    type Data = <Body as HttpBody>::Data;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
