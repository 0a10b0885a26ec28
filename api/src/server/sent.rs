//! The body of a response, which counts as being sent until its last byte was taken over.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes},
    http::{Response, header},
};
use hyper::body::{Frame, SizeHint};

use super::patient::{Responses, Sending};

/// A body. The connection drops it as soon as it has taken all of it.
pub(super) struct Sent {
    body: Body,
    /// Nothing for a stream of events, which has no end.
    _sending: Option<Sending>,
}

impl Sent {
    /// The same response, counted among these unless it is a stream of events.
    pub(super) fn wrap(response: Response<Body>, responses: &Responses) -> Response<Self> {
        let content_type = response.headers().get(header::CONTENT_TYPE);
        let is_stream = content_type.is_some_and(|it| it == "text/event-stream");
        let sending = (!is_stream).then(|| responses.begin());
        response.map(|body| Self {
            body,
            _sending: sending,
        })
    }
}

impl hyper::body::Body for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
