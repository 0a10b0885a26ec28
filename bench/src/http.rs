//! A connection that sends one HTTP/1.1 request after the other, with as little work as possible.

use std::net::SocketAddr;
use std::str;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The end of the head of an answer.
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// A connection that stays open between requests.
pub(crate) struct Connection {
    stream: TcpStream,
    /// The bytes of the present answer.
    received: Vec<u8>,
    /// The body of the present answer, if it came in chunks.
    joined: Vec<u8>,
}

/// An answer.
pub(crate) struct Answer<'connection> {
    pub(crate) status: u16,
    pub(crate) body: &'connection [u8],
}

/// The facts of the head that say where the body ends.
struct Head {
    status: u16,
    /// `None` if the body comes in chunks.
    length: Option<usize>,
    /// The bytes of the head.
    size: usize,
}

impl Connection {
    /// Opens a connection.
    ///
    /// # Errors
    /// When nobody listens at the address.
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: Vec::with_capacity(64 * 1024),
            joined: Vec::new(),
        })
    }

    /// Sends the bytes of a whole request and returns the whole answer.
    ///
    /// # Errors
    /// When the connection ends, or the answer is not HTTP/1.1.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.received.clear();
        let head = loop {
            self.receive().await?;
            if let Some(head) = Head::read(&self.received)? {
                break head;
            }
        };
        let body = match head.length {
            Some(length) => {
                let end = head.size + length;
                while self.received.len() < end {
                    self.receive().await?;
                }
                ensure!(
                    self.received.len() == end,
                    "the server sends more than it announces"
                );
                &self.received[head.size..]
            }
            None => {
                while !join_chunks(&self.received[head.size..], &mut self.joined)? {
                    self.receive().await?;
                }
                &self.joined
            }
        };
        Ok(Answer {
            status: head.status,
            body,
        })
    }

    async fn receive(&mut self) -> anyhow::Result<()> {
        let count = self.stream.read_buf(&mut self.received).await?;
        ensure!(count > 0, "the server closed the connection");
        Ok(())
    }
}

impl Head {
    /// Reads the head; `None` if it is not complete.
    fn read(received: &[u8]) -> anyhow::Result<Option<Self>> {
        let Some(end) = find(received, END_OF_HEAD) else {
            return Ok(None);
        };
        let head = str::from_utf8(&received[..end])?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let mut length = None;
        let mut is_chunked = false;
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(value.trim().parse()?);
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                is_chunked = value.trim().eq_ignore_ascii_case("chunked");
            }
        }
        ensure!(
            length.is_some() != is_chunked,
            "the answer does not say where it ends"
        );
        Ok(Some(Self {
            status: status.context("the answer has no status")?.parse()?,
            length,
            size: end + END_OF_HEAD.len(),
        }))
    }
}

/// Joins the chunks of a body; false if the last one has not come yet.
fn join_chunks(mut rest: &[u8], joined: &mut Vec<u8>) -> anyhow::Result<bool> {
    joined.clear();
    loop {
        let Some(line) = find(rest, b"\r\n") else {
            return Ok(false);
        };
        let size = usize::from_str_radix(str::from_utf8(&rest[..line])?.trim(), 16)?;
        let (start, end) = (line + 2, line + 2 + size);
        if rest.len() < end + 2 {
            return Ok(false);
        }
        if size == 0 {
            return Ok(true);
        }
        if &rest[end..end + 2] != b"\r\n" {
            bail!("a chunk is longer than it says");
        }
        joined.extend_from_slice(&rest[start..end]);
        rest = &rest[end + 2..];
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_where_the_body_ends() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{";
        assert!(Head::read(&head[..30]).unwrap().is_none());
        let head = Head::read(head).unwrap().expect("it is complete");
        assert_eq!((head.status, head.length, head.size), (200, Some(12), 39));
    }

    #[test]
    fn an_answer_without_an_end_is_refused() {
        assert!(Head::read(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }

    #[test]
    fn chunks_are_joined_once_the_last_has_come() {
        let mut joined = Vec::new();
        assert!(!join_chunks(b"3\r\nabc\r\n2\r\nd", &mut joined).unwrap());
        assert!(join_chunks(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", &mut joined).unwrap());
        assert_eq!(joined, b"abcde");
        assert!(join_chunks(b"3\r\nabcde\r\n", &mut joined).is_err());
    }
}
