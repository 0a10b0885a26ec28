//! The server: accepts connections, serves a router on them, and drains.
//!
//! The server owns the task of every connection. While the process drains, the server serves as before, but
//! each response closes its connection, so that clients and proxies connect elsewhere. At the close the server
//! accepts no more connections, waits for running requests, ends streams of events, and closes WebSockets
//! (1001) after their running queries and mutations. After the grace period it ends the remaining connections.
//!
//! No request that was sent before its client could know of the close is lost: connections that wait to be
//! accepted are served, and connections without a request are read once more for `LAST_REQUESTS`.
//!
//! The resources of a client are bounded: a response by [`crate::graph::answer::MAX_ANSWER_BYTES`],
//! the time to read it by `write_timeout`, and connections by [`ConnectionLimits`].

mod places;
mod tracked_body;
mod write_timeout;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::{Extension, Router};
use futures_util::FutureExt;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use self::places::{NoPlace, Place, Places};
use self::tracked_body::TrackedBody;
use self::write_timeout::{Responses, WriteTimeout};

pub use self::places::ConnectionLimits;
pub(crate) use self::places::PlaceOfAddress;

/// The maximum number of connections at once, WebSockets included. A further connection is closed at once,
/// so that a client or a proxy tries elsewhere, or later. Waiting would look like a slow server.
pub const MAX_CONNECTIONS: usize = 20_000;

/// The time after the close in which requests that are on their way are still read.
const LAST_REQUESTS: Duration = Duration::from_millis(250);

/// The maximum number of connections of one address. Connections of trusted proxies do not count.
pub const MAX_CONNECTIONS_OF_ADDRESS: usize = 1_000;

/// The timeout of a client for sending a request's head, and of an idle connection. It is longer than proxies keep
/// idle connections, which is 60 s by default: the side that sends requests must close first, or requests are lost.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// The maximum number of bytes of a request's head.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The pause after a connection could not be accepted. The cause is nearly always a lack of file
/// descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The signals by which a server stops. One that is not to drain gets the second signal alone.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Cancelled when clients must go elsewhere, and are still served.
    pub draining: CancellationToken,
    /// Cancelled when the server must close.
    pub close: CancellationToken,
}

impl Stop {
    /// Makes a response close its connection while the server drains.
    fn attend(&self, response: &mut Response<Body>) {
        let stops = self.draining.is_cancelled() || self.close.is_cancelled();
        // An upgraded connection has left HTTP.
        if stops && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
    }
}

/// Serves the router on the listener until the close. Then requests and WebSockets have the grace period for
/// their end.
pub async fn run(
    listener: TcpListener,
    router: Router,
    limits: ConnectionLimits,
    grace: Duration,
    stop: Stop,
) {
    let places = Places::new(limits);
    let connections = Connections::new(&stop.close, &places);
    let service = TowerToHyperService::new(router.layer(Extension(connections.clone())));
    let mut tasks = JoinSet::new();
    let take = |tasks: &mut JoinSet<()>, stream, peer: SocketAddr| {
        let peer = peer.ip().to_canonical();
        match places.take(peer) {
            Ok(place) => {
                tasks.spawn(serve(stream, peer, place, service.clone(), stop.clone()));
            }
            Err(why) => {
                tracing::debug!(client.address = %peer, %why, "a connection was refused");
                refuse(&stream, why);
            }
        }
    };
    let mut last = pin!(last_requests(&stop.close));
    loop {
        let accepted = tokio::select! {
            () = &mut last => break,
            Some(ended) = tasks.join_next() => {
                if let Err(panicked) = ended {
                    tracing::error!(error = %panicked, "a connection ended by our fault");
                }
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => take(&mut tasks, stream, peer),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // The system would reset the connections that it holds for the listener.
    while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
        take(&mut tasks, stream, peer);
    }
    drop(listener);
    let ended = async {
        while tasks.join_next().await.is_some() {}
        connections.ended().await;
    };
    if timeout(grace, ended).await.is_err() {
        tracing::warn!(grace_s = grace.as_secs(), "connections did not end in time");
        tasks.shutdown().await;
        connections.end().await;
    }
}

/// Returns when the requests that were on their way at the close have arrived.
async fn last_requests(close: &CancellationToken) {
    close.cancelled().await;
    sleep(LAST_REQUESTS).await;
}

/// The connections that have left HTTP, and so the tasks that serve it: the WebSockets.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    stop: CancellationToken,
    end: CancellationToken,
    tracker: TaskTracker,
    places: Places,
}

impl Connections {
    fn new(stop: &CancellationToken, places: &Places) -> Self {
        let tracker = TaskTracker::new();
        tracker.close();
        Self {
            stop: stop.clone(),
            end: CancellationToken::new(),
            tracker,
            places: places.clone(),
        }
    }

    /// Returns the places of connections.
    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// Returns the token that is cancelled when endless streams must end.
    pub(crate) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Tracks one more connection, until the returned value is dropped.
    pub(crate) fn track(&self) -> Tracked {
        Tracked {
            stop: self.stop.clone(),
            end: self.end.clone(),
            _token: self.tracker.token(),
        }
    }

    async fn ended(&self) {
        self.tracker.wait().await;
    }

    async fn end(&self) {
        self.end.cancel();
        self.ended().await;
    }
}

/// A tracked connection.
#[derive(Debug)]
pub(crate) struct Tracked {
    stop: CancellationToken,
    end: CancellationToken,
    _token: TaskTrackerToken,
}

impl Tracked {
    /// Returns the token that is cancelled when the connection must close.
    pub(crate) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Runs the connection, no longer than the server allows.
    pub(crate) async fn run(self, serving: impl Future<Output = ()>) {
        self.end.run_until_cancelled(serving).await;
    }
}

/// The address of a connection, as an extension of its requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Tells a client why its connection is closed, if it has a share of its own. A proxy that finds a full server shall
/// try another one, as it does for a connection that is closed without a word.
fn refuse(stream: &TcpStream, why: NoPlace) {
    if let NoPlace::OfAddress { .. } = why {
        let told = format!(
            "HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\ncontent-type: text/plain\r\n\
             retry-after: 10\r\n\r\n{why}\n"
        );
        // The buffer of a new connection takes it at once. A client that is gone needs no reason.
        let _ = stream.try_write(told.as_bytes());
    }
}

async fn serve(
    stream: TcpStream,
    peer: IpAddr,
    place: Place,
    service: TowerToHyperService<Router>,
    stop: Stop,
) {
    // Small answers are sent at once instead of waiting for more data.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps its delay");
    }
    let responses = Responses::default();
    let stream = WriteTimeout::new(stream, responses.clone(), place);
    let close = stop.close.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let (answering, responses) = (service.call(request), responses.clone());
        let stop = stop.clone();
        async move {
            let mut response = answering.await?;
            stop.attend(&mut response);
            Ok::<_, Infallible>(TrackedBody::wrap(response, &responses))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = last_requests(&close) => {
            // Ends a connection without a request, and any other after its response.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "a connection broke"
        );
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::ws::{WebSocket, WebSocketUpgrade};
    use axum::routing::any;
    use testkit::wait;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const HANDSHAKE: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n\
        upgrade: websocket\r\nsec-websocket-version: 13\r\n\
        sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    /// Opens a WebSocket; `None` if the connection is rejected.
    async fn websocket(address: SocketAddr) -> Option<TcpStream> {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(HANDSHAKE).await.ok()?;
        let mut status = [0; 12];
        socket.read_exact(&mut status).await.ok()?;
        assert_eq!(&status, b"HTTP/1.1 101");
        Some(socket)
    }

    #[tokio::test]
    async fn connections_beyond_the_most_are_refused_until_one_ends_websockets_included() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let echo = async |upgrade: WebSocketUpgrade| {
            upgrade.on_upgrade(async |mut socket: WebSocket| while socket.recv().await.is_some() {})
        };
        let router = Router::new().route("/", any(echo));
        let mut tasks = JoinSet::new();
        let limits = ConnectionLimits {
            connections: 2,
            ..ConnectionLimits::default()
        };
        tasks.spawn(run(
            listener,
            router,
            limits,
            Duration::ZERO,
            Stop::default(),
        ));

        let first = websocket(address).await.expect("there is a place");
        let _second = websocket(address).await.expect("there is another");
        assert!(websocket(address).await.is_none(), "there is none");
        drop(first);
        wait::until("the place is free again", async || {
            websocket(address).await.map(drop)
        })
        .await;
    }
}
