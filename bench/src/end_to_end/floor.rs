//! The floor: a server that does only what any server with a durable Postgres and subscribers must do.
//!
//! A command is a WebSocket message. It is inserted and notified in one statement with its commit, and answered. The
//! listener wakes up, selects the row, and sends it as one frame. The server is a process of its own, as ours is.

use std::process::Command as Process;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use sqlx::postgres::PgListener;
use sqlx::{Connection, PgConnection, Row};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, accept_async, connect_async};

use super::pace::{self, Times};
use crate::platform::free_port;
use crate::servers::Servers;
use crate::settings::Settings as Suite;
use crate::subscriber::Heard;

/// Clients that send commands, each with a connection to Postgres.
const CLIENTS: usize = 32;

/// The first message of a subscriber.
const SUBSCRIBE: &str = "subscribe";

/// Settings of the server.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    /// The URL of the database.
    #[arg(long)]
    database_url: String,
    /// The port to serve on.
    #[arg(long)]
    port: u16,
}

/// The sockets of subscribers.
type Subscribers = Arc<Mutex<Vec<UnboundedSender<Message>>>>;

/// Serves until the process ends.
///
/// # Errors
/// When Postgres fails, or a client sends what it should not.
pub(crate) async fn serve(settings: Settings) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(&settings.database_url).await?;
    sqlx::raw_sql(
        "create table if not exists floor (droplet text, version bigint, data text, \
         primary key (droplet, version))",
    )
    .execute(&mut connection)
    .await?;
    let mut events = PgListener::connect(&settings.database_url).await?;
    events.listen("floor").await?;
    let subscribers = Subscribers::default();
    let mut tasks = JoinSet::new();
    tasks.spawn(tell(events, connection, Arc::clone(&subscribers)));
    let listener = TcpListener::bind(("127.0.0.1", settings.port)).await?;
    loop {
        tokio::select! {
            Some(ended) = tasks.join_next() => ended??,
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                stream.set_nodelay(true)?;
                let (url, subscribers) = (settings.database_url.clone(), Arc::clone(&subscribers));
                tasks.spawn(async move {
                    // The probe of the start closes its connection at once.
                    match accept_async(stream).await {
                        Ok(socket) => attend(socket, &url, subscribers).await,
                        Err(_) => Ok(()),
                    }
                });
            }
        }
    }
}

/// Sends each notified row to all subscribers.
async fn tell(
    mut events: PgListener,
    mut connection: PgConnection,
    subscribers: Subscribers,
) -> anyhow::Result<()> {
    loop {
        let event = events.recv().await?;
        let (droplet, version) = event.payload().split_once(' ').context("no version")?;
        let row = sqlx::query("select data from floor where droplet = $1 and version = $2")
            .bind(droplet)
            .bind(version.parse::<i64>()?)
            .fetch_one(&mut connection)
            .await?;
        let data: String = row.try_get(0)?;
        let frame = json!({ "droplet": droplet, "version": version, "data": data }).to_string();
        let subscribers = subscribers.lock().expect("nobody panics while sending");
        for subscriber in &*subscribers {
            // A subscriber that is gone is no concern of others.
            let _ = subscriber.send(Message::text(frame.clone()));
        }
    }
}

/// Serves a subscriber, or a client that sends commands.
async fn attend(
    mut socket: WebSocketStream<TcpStream>,
    url: &str,
    subscribers: Subscribers,
) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    while let Some(Ok(Message::Text(command))) = socket.next().await {
        if command.as_str() == SUBSCRIBE {
            let (sender, mut frames) = mpsc::unbounded_channel();
            subscribers
                .lock()
                .expect("nobody panics while sending")
                .push(sender);
            socket.send(Message::text("{}")).await?;
            while let Some(frame) = frames.recv().await {
                socket.send(frame).await?;
            }
            return Ok(());
        }
        let command: Value = serde_json::from_str(&command)?;
        let version = command["version"].as_i64();
        sqlx::query(
            "with inserted as (insert into floor values ($1, $2, $3) returning droplet, version) \
             select pg_notify('floor', droplet || ' ' || version) from inserted",
        )
        .bind(command["droplet"].as_str())
        .bind(version)
        .bind(command["data"].as_str())
        .execute(&mut connection)
        .await?;
        let answer = json!({ "version": version }).to_string();
        socket.send(Message::text(answer)).await?;
    }
    Ok(())
}

/// A client of the floor.
struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    droplet: String,
    version: u64,
}

/// The floor as a process, with its clients.
pub(super) struct Floor {
    clients: Vec<Client>,
    heard: UnboundedReceiver<Heard>,
    _subscriber: JoinSet<anyhow::Result<()>>,
    _server: Servers,
}

impl Floor {
    /// Starts the server and its clients.
    ///
    /// # Errors
    /// When the server does not serve.
    pub(super) async fn start(suite: &Suite) -> anyhow::Result<Self> {
        let port = free_port()?;
        let mut command = Process::new(std::env::current_exe()?);
        command
            .args(["floor", "--database-url", &suite.database_url])
            .args(["--port", &port.to_string()]);
        let mut server = Servers::default();
        server
            .start(Command::from(command), "floor", port, &suite.dir)
            .await?;
        let url = format!("ws://127.0.0.1:{port}");
        let mut clients = Vec::new();
        for number in 0..CLIENTS {
            clients.push(Client {
                socket: connect(&url).await?,
                droplet: format!("bench-{number}"),
                version: 0,
            });
        }
        let (sender, heard) = mpsc::unbounded_channel();
        let mut socket = connect(&url).await?;
        socket.send(Message::text(SUBSCRIBE)).await?;
        socket.next().await.context("the floor ended")??;
        let mut subscriber = JoinSet::new();
        subscriber.spawn(listen(socket, sender));
        Ok(Self {
            clients,
            heard,
            _subscriber: subscriber,
            _server: server,
        })
    }

    /// Sends commands at a rate.
    ///
    /// # Errors
    /// When a command fails, or an event is lost, duplicated or out of order.
    pub(super) async fn run(&mut self, rate: u32, length: Duration) -> anyhow::Result<Times> {
        pace::run(&mut self.clients, &mut self.heard, rate, length).await
    }
}

async fn connect(url: &str) -> anyhow::Result<WebSocketStream<MaybeTlsStream<TcpStream>>> {
    let (socket, _) = connect_async(url).await?;
    if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
        stream.set_nodelay(true)?;
    }
    Ok(socket)
}

async fn listen(
    mut socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    heard: UnboundedSender<Heard>,
) -> anyhow::Result<()> {
    loop {
        let message = socket.next().await.context("the floor ended")??;
        let at = Instant::now();
        let frame: Value = serde_json::from_str(message.to_text()?)?;
        heard.send(Heard {
            by: 0,
            droplet: frame["droplet"].as_str().unwrap_or_default().to_owned(),
            version: frame["version"].as_str().unwrap_or_default().parse()?,
            tags: 0,
            at,
        })?;
    }
}

impl pace::Commander for Client {
    async fn command(&mut self) -> anyhow::Result<(String, u64)> {
        /// The bytes of payload and metadata of an event.
        const BYTES: usize = 370;
        self.version += 1;
        let (droplet, version) = (&self.droplet, self.version);
        let data = "x".repeat(BYTES);
        let command = json!({ "droplet": droplet, "version": version, "data": data });
        self.socket.send(Message::text(command.to_string())).await?;
        self.socket.next().await.context("the floor ended")??;
        Ok((self.droplet.clone(), self.version))
    }
}
