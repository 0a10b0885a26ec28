//! A proxy of Postgres for one life of an actor.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::gate::Gate;
use super::server::Server;
use super::session::Session;

/// The proxy, which serves one client at a time, because an actor has one connection.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    shut: CancellationToken,
    serving: JoinSet<Session>,
}

impl Proxy {
    pub(super) async fn open(mut line: Session, gate: Arc<Gate>, server: Arc<Server>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let shut = CancellationToken::new();
        let mut serving = JoinSet::new();
        let is_shut = shut.clone();
        serving.spawn(async move {
            let serve = async {
                while let Ok((client, _)) = listener.accept().await {
                    // Ends when the client hangs up; the next one finds a session like new.
                    let _ = line.forward(client, &gate).await;
                    line.reset(&server).await.expect("Postgres answers");
                }
            };
            tokio::select! {
                () = serve => {}
                () = is_shut.cancelled() => {}
            }
            line
        });
        Self {
            address,
            shut,
            serving,
        }
    }

    /// Disconnects the client and returns the session.
    pub(super) async fn shut(mut self) -> Session {
        self.shut.cancel();
        let line = self.serving.join_next().await;
        line.expect("it serves until now")
            .expect("it serves without a panic")
    }
}
