//! Timeouts of writing to a client that does not read, or reads too slowly.
//!
//! Data that is sent to a client waits in the kernel's buffer until it is read, and then in ours. When both
//! buffers are full, no more data is produced for the client. Without a timeout, a client that reads
//! nothing, or very little, would hold its response or its subscription, and their resources, indefinitely.
//! The module must never end a connection that has nothing to send.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::places::Place;

/// The time for which a client may read none of the data that waits for it. Longer than WebSockets need to
/// close a slow client's connection.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// The timeout of a client for reading a response that is not a stream, however steadily it reads.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);

/// The responses of a connection that were not yet completely passed on for sending. Clones count for the
/// same connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Responses(Arc<[AtomicUsize; 2]>);

/// The kind of a response: with an end or without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The response has an end.
    Whole,
    /// The response continues as long as there are events.
    Stream,
}

impl Responses {
    /// Counts one more response, until the returned value is dropped.
    pub(super) fn begin(&self, kind: Kind) -> Sending {
        self.count(kind).fetch_add(1, Ordering::AcqRel);
        let responses = self.clone();
        Sending { responses, kind }
    }

    fn any(&self, kind: Kind) -> bool {
        self.count(kind).load(Ordering::Acquire) > 0
    }

    fn count(&self, kind: Kind) -> &AtomicUsize {
        let [whole, streams] = &*self.0;
        match kind {
            Kind::Whole => whole,
            Kind::Stream => streams,
        }
    }
}

/// A response that is being sent.
#[derive(Debug)]
pub(super) struct Sending {
    responses: Responses,
    kind: Kind,
}

impl Drop for Sending {
    fn drop(&mut self) {
        self.responses
            .count(self.kind)
            .fetch_sub(1, Ordering::AcqRel);
    }
}

/// A connection whose writes fail with a timeout. It occupies its place among the connections while it is
/// open, with any protocol.
pub(super) struct WriteTimeout<Connection> {
    connection: Connection,
    responses: Responses,
    /// The timer that runs while a write waits.
    waiting: Option<Pin<Box<Sleep>>>,
    /// The timer that runs from the first write that had to wait until the whole response is written; not
    /// for streams.
    behind: Option<Pin<Box<Sleep>>>,
    _place: Place,
}

impl<Connection> WriteTimeout<Connection> {
    /// Adds the timeouts to a connection.
    pub(super) fn new(connection: Connection, responses: Responses, place: Place) -> Self {
        Self {
            connection,
            responses,
            waiting: None,
            behind: None,
            _place: place,
        }
    }

    /// Returns the result of a write, or a timeout error if the write has waited too long.
    fn within_timeouts(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.waiting = None;
            return written;
        }
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(sleep(STALL_TIMEOUT)));
        let mut too_long = waiting.as_mut().poll(context).is_ready();
        if self.behind.is_none() && !self.responses.any(Kind::Stream) {
            self.behind = Some(Box::pin(sleep(RESPONSE_TIMEOUT)));
        }
        // Both timers are polled, so that either wakes the task.
        if let Some(behind) = &mut self.behind {
            too_long |= behind.as_mut().poll(context).is_ready();
        }
        if too_long {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<Connection: AsyncRead + Unpin> AsyncRead for WriteTimeout<Connection> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_read(context, buffer)
    }
}

impl<Connection: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<Connection> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.connection).poll_write(context, bytes);
        self.within_timeouts(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.connection).poll_write_vectored(context, slices);
        self.within_timeouts(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    /// Flushes the connection. The writer flushes when nothing is left to be written, or nothing is there
    /// yet.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.responses.any(Kind::Whole) {
            self.behind = None;
        }
        Pin::new(&mut self.connection).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::{Instant, interval, timeout};

    use super::*;

    /// Returns both ends of a connection with small buffers.
    fn connection(responses: Responses) -> (WriteTimeout<DuplexStream>, DuplexStream) {
        let (near, far) = duplex(10);
        let place = Place::for_test();
        (WriteTimeout::new(near, responses, place), far)
    }

    /// Writes pieces of 20 bytes, of which 10 are read every five seconds. Returns the time until a write
    /// fails.
    async fn endured(responses: Responses) -> Option<Duration> {
        let (mut near, mut far) = connection(responses);
        let reading = async {
            let mut steps = interval(Duration::from_secs(5));
            let mut read = [0; 10];
            loop {
                steps.tick().await;
                far.read_exact(&mut read).await.expect("there is more");
            }
        };
        let writing = async {
            loop {
                near.write_all(&[0; 20]).await?;
                near.flush().await?;
            }
        };
        let started = Instant::now();
        let failed: io::Error = tokio::select! {
            failed = timeout(Duration::from_secs(300), writing) => match failed {
                Ok(Ok(())) | Err(_) => return None,
                Ok(Err(failed)) => failed,
            },
            () = reading => return None,
        };
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
        Some(started.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_that_is_read_too_slowly_is_given_up() {
        let responses = Responses::default();
        let _sending = responses.begin(Kind::Whole);
        let endured = endured(responses).await.expect("it fails");
        assert_eq!(endured.as_secs(), RESPONSE_TIMEOUT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_is_read_goes_on_and_so_do_responses_after_each_other() {
        let responses = Responses::default();
        drop(responses.begin(Kind::Whole));
        assert_eq!(endured(responses).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_read_is_given_up() {
        let (mut near, _far) = connection(Responses::default());
        let started = Instant::now();
        let failed = near.write_all(&[0; 100]).await.expect_err("nobody reads");
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
        assert_eq!(started.elapsed().as_secs(), STALL_TIMEOUT.as_secs());
    }
}
