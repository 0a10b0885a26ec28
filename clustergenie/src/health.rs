//! `clustergenie health`: checks the readiness of a process, for container health checks.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use crate::config::Health;

/// Timeout of the check. A process answers `/readyz` without waiting for anything.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Upper bound of the bytes that are read of a response. A usual response has a few hundred.
const MAX_ANSWER: u64 = 64 * 1024;

/// Succeeds if the process is ready.
///
/// # Errors
/// When the process does not answer, or some parts are not ready. The error names those parts and the
/// reasons.
pub(crate) async fn run(settings: Health) -> anyhow::Result<()> {
    let url = readiness_url(settings.url);
    let answer = timeout(TIMEOUT, get(&url))
        .await
        .unwrap_or_else(|_| bail!("no answer within {} s", TIMEOUT.as_secs()))
        .with_context(|| format!("{url} does not answer"))?;
    let readiness =
        read(&answer).with_context(|| format!("{url} is not a process of ClusterGenie"))?;
    if readiness.ready {
        return Ok(());
    }
    let reasons: Vec<_> = readiness
        .parts
        .iter()
        .filter(|part| !part.ready)
        .map(|part| {
            format!(
                "{}: {}",
                part.name,
                part.reason.as_deref().unwrap_or("not ready")
            )
        })
        .collect();
    bail!("not ready: {}", reasons.join("; "))
}

/// The readiness URL of the process at an address. The address may be that of GraphQL, which clients use.
fn readiness_url(mut address: Url) -> Url {
    let base = address.path().trim_end_matches('/');
    let base = base.strip_suffix("/graphql").unwrap_or(base);
    let path = format!("{base}/readyz");
    address.set_path(&path);
    address
}

/// Returns the whole response to a GET. The request uses HTTP/1.0, so that the body is not chunked and ends
/// with the connection.
async fn get(url: &Url) -> anyhow::Result<Vec<u8>> {
    let host = url.host_str().context("there is no host")?;
    let port = url.port_or_known_default().context("there is no port")?;
    let mut connection = TcpStream::connect(format!("{host}:{port}")).await?;
    let request = format!(
        "GET {} HTTP/1.0\r\nhost: {host}:{port}\r\naccept: application/json\r\n\r\n",
        url.path()
    );
    connection.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    connection.take(MAX_ANSWER).read_to_end(&mut answer).await?;
    Ok(answer)
}

/// Reads the readiness from the body of a response with any status.
fn read(answer: &[u8]) -> anyhow::Result<Readiness> {
    const END_OF_HEAD: &[u8] = b"\r\n\r\n";
    ensure!(answer.starts_with(b"HTTP/1."), "it does not speak HTTP");
    let end = answer
        .windows(END_OF_HEAD.len())
        .position(|window| window == END_OF_HEAD)
        .context("the answer has no body")?;
    Ok(serde_json::from_slice(&answer[end + END_OF_HEAD.len()..])?)
}

#[derive(Debug, Deserialize)]
struct Readiness {
    ready: bool,
    parts: Vec<Part>,
}

#[derive(Debug, Deserialize)]
struct Part {
    name: String,
    ready: bool,
    reason: Option<String>,
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Checks a process that gives this answer to every request.
    async fn ask(answer: &str) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let settings = Health {
            url: format!("http://{}/", listener.local_addr().unwrap())
                .parse()
                .unwrap(),
        };
        let answering = async {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let length = connection.read(&mut request).await.unwrap();
            assert!(request[..length].starts_with(b"GET /readyz HTTP/1.0\r\n"));
            connection.write_all(answer.as_bytes()).await.unwrap();
        };
        let (asked, ()) = tokio::join!(run(settings), answering);
        asked.map_err(|error| format!("{error:#}"))
    }

    #[tokio::test]
    async fn a_process_is_ready_when_it_says_so() {
        let ready = r#"{"ready":true,"parts":[{"name":"store","ready":true,"reason":null}]}"#;
        let head = "HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n";
        assert_eq!(ask(&format!("{head}{ready}")).await, Ok(()));

        let not =
            r#"{"ready":false,"parts":[{"name":"store","ready":false,"reason":"it is away"}]}"#;
        let head = "HTTP/1.0 503 Service Unavailable\r\n\r\n";
        assert_eq!(
            ask(&format!("{head}{not}")).await.unwrap_err(),
            "not ready: store: it is away"
        );
    }

    #[tokio::test]
    async fn whatever_else_answers_is_not_ready() {
        for other in ["", "SSH-2.0-x\r\n", "HTTP/1.0 200 OK\r\n\r\n<html>"] {
            let told = ask(other).await.unwrap_err();
            assert!(told.contains("is not a process of ClusterGenie"), "{told}");
        }
    }

    #[test]
    fn readiness_is_asked_below_the_address() {
        for (address, url) in [
            ("http://[::1]:8086", "http://[::1]:8086/readyz"),
            ("http://proxy/a/", "http://proxy/a/readyz"),
            ("http://proxy/a/graphql", "http://proxy/a/readyz"),
        ] {
            assert_eq!(readiness_url(address.parse().unwrap()).as_str(), url);
        }
    }
}
