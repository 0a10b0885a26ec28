//! `clustergenie health`: asks a process whether it is ready, for container health checks.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

use crate::config::Health;

/// A process that is not stuck answers at once.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The most bytes that are read of an answer, which has a few hundred.
const MAX_ANSWER: u64 = 64 * 1024;

/// Returns when the process is ready.
///
/// # Errors
/// When it does not answer, or says which parts are not ready and why.
pub(crate) async fn run(settings: Health) -> anyhow::Result<()> {
    let url = readiness_of(&settings.url)?;
    let answer = timeout(TIMEOUT, get(&url))
        .await
        .unwrap_or_else(|_| bail!("no answer within {} s", TIMEOUT.as_secs()))
        .with_context(|| format!("{url} does not answer"))?;
    let readiness =
        read(&answer).with_context(|| format!("{url} does not answer as ClusterGenie does"))?;
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

/// Where the process at an address says whether it is ready.
fn readiness_of(address: &str) -> anyhow::Result<Url> {
    Url::parse(&format!("{}/readyz", address.trim_end_matches('/')))
        .ok()
        // Processes serve without TLS.
        .filter(|url| url.scheme() == "http" && url.has_host())
        .with_context(|| {
            format!("{address:?} is not the address of a process: write it like http://HOST:PORT")
        })
}

/// The whole answer to a GET. HTTP/1.0, so that it comes as it is and ends with the connection.
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

/// Readiness is told in the body, whatever the status.
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

    /// Asks a process that gives this answer to whatever is asked.
    async fn ask(answer: &str) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let settings = Health {
            url: format!("http://{}/", listener.local_addr().unwrap()),
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
            assert!(
                told.contains("does not answer as ClusterGenie does"),
                "{told}"
            );
        }
    }

    #[test]
    fn an_address_has_a_scheme_and_a_host() {
        let url = readiness_of("http://[::1]:8086/").unwrap();
        assert_eq!(url.as_str(), "http://[::1]:8086/readyz");
        for bad in ["127.0.0.1:8085", "localhost:8085", "https://a", "", "/x"] {
            let told = readiness_of(bad).unwrap_err().to_string();
            assert!(told.contains("http://HOST:PORT"), "{told}");
        }
    }
}
