//! The part of the Postgres protocol that is needed to recognize statements.

use std::collections::HashMap;
use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// The messages that a client sends before it waits for an answer.
#[derive(Debug, Default)]
pub(super) struct Request {
    /// The bytes for the server.
    pub(super) bytes: Vec<u8>,
    /// True if the server's answer ends with "ready for query".
    pub(super) is_answered: bool,
    /// True if this is the last request of the client.
    pub(super) hangs_up: bool,
    /// The text of the statement, if the request executes one.
    runs: Option<String>,
}

impl Request {
    /// The bytes of a request that runs one statement without parameters.
    pub(super) fn query(statement: &str) -> Vec<u8> {
        let mut bytes = vec![b'Q'];
        push(&mut bytes, &[statement.as_bytes(), b"\0"].concat());
        bytes
    }

    /// The statement, if its place in the order matters. The beginning of a transaction or a savepoint takes
    /// no lock and reads nothing.
    pub(super) fn step(&self) -> Option<&str> {
        self.runs.as_deref().filter(|statement| {
            !["BEGIN", "SAVEPOINT ", "RELEASE SAVEPOINT "]
                .iter()
                .any(|harmless| statement.starts_with(harmless))
        })
    }
}

/// A message of the server.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) bytes: Vec<u8>,
}

impl Message {
    /// Takes the first message out of the received bytes, if it is complete.
    pub(super) fn take(inbox: &mut Vec<u8>) -> Option<Self> {
        let length = inbox.get(1..5)?.first_chunk::<4>()?;
        let end = 1 + u32::from_be_bytes(*length) as usize;
        if inbox.len() < end {
            return None;
        }
        let rest = inbox.split_off(end);
        Some(Self {
            bytes: std::mem::replace(inbox, rest),
        })
    }

    /// True if the message is "ready for query".
    pub(super) fn is_ready(&self) -> bool {
        self.bytes[0] == b'Z'
    }

    /// True if the message belongs to the answer to a login.
    pub(super) fn greets(&self) -> bool {
        match self.bytes[0] {
            b'R' => self.bytes[5..] == [0; 4],
            kind => matches!(kind, b'S' | b'K' | b'Z'),
        }
    }

    /// The process id of the backend, if the message contains it.
    pub(super) fn backend_pid(&self) -> Option<i32> {
        let pid = self.bytes.get(5..)?.first_chunk::<4>()?;
        (self.bytes[0] == b'K').then(|| i32::from_be_bytes(*pid))
    }
}

/// Reads requests from a client.
#[derive(Debug)]
pub(super) struct Requests<R> {
    client: R,
    is_started: bool,
    prepared: HashMap<Vec<u8>, String>,
}

impl<R: AsyncRead + Unpin> Requests<R> {
    pub(super) fn new(client: R) -> Self {
        Self {
            client,
            is_started: false,
            prepared: HashMap::new(),
        }
    }

    /// Reads the next request; `rewrite` may change the text of a statement that is prepared.
    ///
    /// # Errors
    /// When the client has disconnected.
    pub(super) async fn next(&mut self, rewrite: impl Fn(&str) -> String) -> io::Result<Request> {
        let mut request = Request::default();
        if !self.is_started {
            self.is_started = true;
            let body = self.body().await?;
            push(&mut request.bytes, &body);
            return Ok(request);
        }
        let mut bound = None;
        loop {
            let kind = self.client.read_u8().await?;
            let mut body = self.body().await?;
            match kind {
                b'P' => {
                    let (name, rest) = split_text(&body);
                    let (statement, parameters) = split_text(rest);
                    let statement = rewrite(&String::from_utf8_lossy(statement));
                    let rewritten = [name, b"\0", statement.as_bytes(), b"\0", parameters].concat();
                    self.prepared.insert(name.to_vec(), statement);
                    body = rewritten;
                }
                b'B' => {
                    let (_portal, rest) = split_text(&body);
                    bound = self.prepared.get(split_text(rest).0).cloned();
                }
                b'E' => request.runs = bound.clone(),
                b'Q' => {
                    let statement = split_text(&body).0;
                    request.runs = Some(String::from_utf8_lossy(statement).into_owned());
                }
                _ => {}
            }
            request.bytes.push(kind);
            push(&mut request.bytes, &body);
            // Query, Sync, a password, Flush, Terminate: now the server answers.
            if matches!(kind, b'Q' | b'S' | b'p' | b'H' | b'X') {
                request.is_answered = matches!(kind, b'Q' | b'S');
                request.hangs_up = kind == b'X';
                return Ok(request);
            }
        }
    }

    async fn body(&mut self) -> io::Result<Vec<u8>> {
        let length = self.client.read_u32().await?.saturating_sub(4);
        let mut body = vec![0; length as usize];
        self.client.read_exact(&mut body).await?;
        Ok(body)
    }
}

fn push(bytes: &mut Vec<u8>, body: &[u8]) {
    let length = u32::try_from(body.len() + 4).expect("a message of a test is short");
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(body);
}

/// A text that ends with a zero byte, and the bytes after it.
fn split_text(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    (&bytes[..end], bytes.get(end + 1..).unwrap_or_default())
}
