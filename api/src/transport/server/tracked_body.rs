//! The body of a response, counted as being sent until the connection has taken its last byte.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::{Response, header};
use hyper::body::{Frame, SizeHint};

use super::write_timeout::{Kind, Responses, Sending};

/// A body of a response. The connection drops it as soon as it has taken all of the bytes.
pub(super) struct TrackedBody {
    body: Body,
    _sending: Sending,
}

impl TrackedBody {
    /// Returns the same response, counted among these responses.
    pub(super) fn wrap(response: Response<Body>, responses: &Responses) -> Response<Self> {
        let content_type = response.headers().get(header::CONTENT_TYPE);
        let sending = responses.begin(match content_type {
            Some(content_type) if content_type == "text/event-stream" => Kind::Stream,
            Some(_) | None => Kind::Whole,
        });
        response.map(|body| Self {
            body,
            _sending: sending,
        })
    }
}

impl hyper::body::Body for TrackedBody {
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use futures_util::stream;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::{Instant, interval};

    use super::super::MAX_HEAD_BYTES;
    use super::super::places::Place;
    use super::super::write_timeout::WriteTimeout;
    use super::*;

    /// Returns the time for which a client holds a response of this type by reading twenty kilobytes every
    /// five seconds.
    async fn held(content_type: &'static str) -> Option<Duration> {
        let (near, mut far) = duplex(1_000);
        let responses = Responses::default();
        let near = WriteTimeout::new(near, responses.clone(), Place::for_test());
        let service = service_fn(move |_| {
            // In pieces, as a compressed body is.
            let pieces = stream::repeat_with(|| Ok::<_, Infallible>(vec![0; 30_000]));
            let mut response = Response::new(Body::from_stream(pieces));
            let content_type = content_type.parse().expect("the type is a header's value");
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, content_type);
            let response = TrackedBody::wrap(response, &responses);
            async { Ok::<_, Infallible>(response) }
        });
        let reading = async {
            far.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await?;
            let mut steps = interval(Duration::from_secs(5));
            let mut read = vec![0; 20_000];
            for _ in 0..60 {
                steps.tick().await;
                far.read_exact(&mut read).await?;
            }
            std::io::Result::Ok(())
        };
        let mut server = http1::Builder::new();
        server.max_buf_size(MAX_HEAD_BYTES);
        let started = Instant::now();
        tokio::select! {
            served = server.serve_connection(TokioIo::new(near), service) => {
                served.expect_err("it is broken off");
                Some(started.elapsed())
            }
            _ = reading => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_is_held_for_a_minute_at_most_and_a_stream_as_long_as_it_is_read() {
        let response = held("application/json").await.expect("it is broken off");
        assert_eq!(response.as_secs(), 60);
        assert_eq!(held("text/event-stream").await, None);
    }
}
