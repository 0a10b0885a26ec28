//! A session with Postgres that outlasts the crashes of its actor. A new session takes a tenth of a second,
//! almost all of it to derive a key from the password in an unoptimized program.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

use super::gate::Gate;
use super::server::Server;
use super::wire::{Message, Request, Requests};

/// A session, reused by the lives of an actor.
#[derive(Debug)]
pub(super) struct Session {
    stream: TcpStream,
    inbox: Vec<u8>,
    /// The server's messages after the first login; later clients get the same.
    greeting: Vec<u8>,
    pid: Option<i32>,
    /// Number of requests without an answer.
    open: AtomicUsize,
}

impl Session {
    pub(super) async fn connect(server: &Server) -> io::Result<Self> {
        let stream = TcpStream::connect(server.address()).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            inbox: Vec::new(),
            greeting: Vec::new(),
            pid: None,
            open: AtomicUsize::new(0),
        })
    }

    /// Forwards requests and answers between the session and a client, until the client disconnects or this
    /// future is dropped.
    pub(super) async fn forward(&mut self, mut client: TcpStream, gate: &Gate) -> io::Result<()> {
        client.set_nodelay(true)?;
        let (from_client, mut to_client) = client.split();
        let mut requests = Requests::new(tokio::io::BufReader::new(from_client));
        if let Some(pid) = self.pid {
            requests.next(str::to_owned).await?;
            to_client.write_all(&self.greeting).await?;
            gate.is_served_by(pid);
        }
        let (from_server, to_server) = self.stream.split();
        let answers = Answers {
            server: from_server,
            inbox: &mut self.inbox,
            greeting: &mut self.greeting,
            pid: &mut self.pid,
            open: &self.open,
        };
        tokio::select! {
            ended = pass_requests(requests, to_server, &self.open, gate) => ended,
            ended = answers.pass(to_client, gate) => ended,
        }
    }

    /// Resets the session as its end would: cancels the statement, rolls back the transaction, releases locks,
    /// and drops settings and prepared statements.
    pub(super) async fn reset(&mut self, server: &Server) -> io::Result<()> {
        let Some(pid) = self.pid else {
            return Ok(());
        };
        if self.open.load(Ordering::SeqCst) > 0 {
            server.cancel(pid).await;
        }
        for statement in ["ROLLBACK", "DISCARD ALL"] {
            self.open.fetch_add(1, Ordering::SeqCst);
            self.stream.write_all(&Request::query(statement)).await?;
        }
        while self.open.load(Ordering::SeqCst) > 0 {
            match Message::take(&mut self.inbox) {
                Some(message) if message.is_ready() => {
                    self.open.fetch_sub(1, Ordering::SeqCst);
                }
                Some(_) => {}
                None => read_more(&mut self.stream, &mut self.inbox).await?,
            }
        }
        Ok(())
    }
}

async fn pass_requests<R: tokio::io::AsyncRead + Unpin>(
    mut requests: Requests<R>,
    mut server: WriteHalf<'_>,
    open: &AtomicUsize,
    gate: &Gate,
) -> io::Result<()> {
    loop {
        let request = requests.next(|statement| gate.mutate(statement)).await?;
        if request.hangs_up {
            return Ok(());
        }
        if let Some(statement) = request.step() {
            gate.hold(statement).await;
        }
        open.fetch_add(usize::from(request.is_answered), Ordering::SeqCst);
        server.write_all(&request.bytes).await?;
    }
}

struct Answers<'a> {
    server: ReadHalf<'a>,
    inbox: &'a mut Vec<u8>,
    greeting: &'a mut Vec<u8>,
    pid: &'a mut Option<i32>,
    open: &'a AtomicUsize,
}

impl Answers<'_> {
    async fn pass(
        mut self,
        mut client: impl tokio::io::AsyncWrite + Unpin,
        gate: &Gate,
    ) -> io::Result<()> {
        let mut is_greeting = self.greeting.is_empty();
        loop {
            let Some(message) = Message::take(self.inbox) else {
                read_more(&mut self.server, self.inbox).await?;
                continue;
            };
            if let Some(pid) = message.backend_pid() {
                *self.pid = Some(pid);
                gate.is_served_by(pid);
            }
            if is_greeting {
                if message.greets() {
                    self.greeting.extend_from_slice(&message.bytes);
                }
                is_greeting = !message.is_ready();
            } else if message.is_ready() {
                self.open.fetch_sub(1, Ordering::SeqCst);
            }
            client.write_all(&message.bytes).await?;
        }
    }
}

async fn read_more(
    server: &mut (impl tokio::io::AsyncRead + Unpin),
    inbox: &mut Vec<u8>,
) -> io::Result<()> {
    if server.read_buf(inbox).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}
