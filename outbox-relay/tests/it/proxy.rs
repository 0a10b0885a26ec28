//! A door to a server, which lets nothing through while it is shut: what a network is that drops
//! packets, or a server that is paused.

use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub(crate) struct Proxy {
    address: SocketAddr,
    open: watch::Sender<bool>,
    _visits: JoinSet<()>,
}

impl Proxy {
    /// An open door to `host:port`.
    pub(crate) async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (open, is_open) = watch::channel(true);
        let mut visits = JoinSet::new();
        let server = server.to_owned();
        visits.spawn(async move {
            let mut visits = JoinSet::new();
            loop {
                let (visitor, _) = listener.accept().await.unwrap();
                let (from, to) = visitor.into_split();
                let (back, forth) = TcpStream::connect(&server).await.unwrap().into_split();
                visits.spawn(carry(from, forth, is_open.clone()));
                visits.spawn(carry(back, to, is_open.clone()));
            }
        });
        Self {
            address,
            open,
            _visits: visits,
        }
    }

    /// Where it is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets nothing through any more.
    pub(crate) fn shut(&self) {
        self.open.send(false).unwrap();
    }

    /// Lets everything through again, also what came meanwhile.
    pub(crate) fn open(&self) {
        self.open.send(true).unwrap();
    }
}

/// Carries bytes until either side hangs up.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut is_open: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if is_open.wait_for(|open| *open).await.is_err() {
            return;
        }
        if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
