//! The platform's API for an external agent. Every request may be sent again, and is retried while a retry
//! may succeed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use backoff::ExponentialBackoffBuilder;
use backoff::backoff::Backoff;
use reqwest::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

/// Time without an answer to any request after which the loader stops. It suffices for the platform to
/// restart and recover.
const PATIENCE: Duration = Duration::from_secs(60);
/// Timeout of one request.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The code of a request whose key was used for another request.
const KEY_REUSED: &str = "IDEMPOTENCY_KEY_REUSED";

/// Codes of errors after which the same request may be retried. A mutation that was too slow may have been
/// executed; its key prevents a second execution.
const PASSING: [&str; 4] = ["UNAVAILABLE", "CONFLICT", "TOO_SLOW", "NOT_YET_CONSISTENT"];

/// A client that sends requests with retries.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    endpoint: String,
    token: String,
    retried: AtomicU64,
    /// The time of the last answer to any request.
    answered: Mutex<Instant>,
}

impl Client {
    /// Creates a client of the platform at a URL, with or without `/graphql`.
    ///
    /// # Errors
    /// When the URL is not an address of a platform.
    pub(super) fn new(url: &str, token: String) -> anyhow::Result<Self> {
        let base = url.trim_end_matches('/').trim_end_matches("/graphql");
        reqwest::Url::parse(base)
            .ok()
            .filter(|url| ["http", "https"].contains(&url.scheme()))
            .with_context(|| {
                format!(
                    "{url:?} is not the address of a platform: write it like http://HOST:PORT or \
                     https://HOST"
                )
            })?;
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .build()
            .context("no HTTP client can be made")?;
        Ok(Self {
            http,
            endpoint: format!("{base}/graphql"),
            token,
            retried: AtomicU64::new(0),
            answered: Mutex::new(Instant::now()),
        })
    }

    /// The number of retries.
    pub(super) fn retried(&self) -> u64 {
        self.retried.load(Ordering::Relaxed)
    }

    /// Sends a document until it is answered, and returns the `data` of the answer.
    ///
    /// # Errors
    /// When the platform refuses the request, or has not answered any request for [`PATIENCE`].
    pub(super) async fn send(&self, document: &str, variables: Value) -> anyhow::Result<Value> {
        let body = serde_json::to_vec(&json!({ "query": document, "variables": variables }))
            .context("the request is not JSON")?;
        let began = Instant::now();
        let mut pause = ExponentialBackoffBuilder::new()
            .with_initial_interval(Duration::from_millis(50))
            .with_max_interval(Duration::from_secs(1))
            .with_max_elapsed_time(None)
            .build();
        loop {
            let why = match self.try_send(&body).await? {
                Attempt::Answered(data) => {
                    *self.answered.lock().expect("no holder panics") = Instant::now();
                    return Ok(data);
                }
                Attempt::Failed(why) => why,
            };
            // Since the last answer to any request, or since this one was first sent.
            let answered = *self.answered.lock().expect("no holder panics");
            if answered.max(began).elapsed() > PATIENCE {
                bail!(
                    "{} has not answered for {} s ({why}): see to it that the platform runs, then \
                     run the same command again, which goes on where it stopped",
                    self.endpoint,
                    PATIENCE.as_secs()
                );
            }
            self.retried.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(pause.next_backoff().unwrap_or(TIMEOUT)).await;
        }
    }

    async fn try_send(&self, body: &[u8]) -> anyhow::Result<Attempt> {
        let request = self
            .http
            .post(&self.endpoint)
            .bearer_auth(&self.token)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .body(body.to_vec());
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Ok(Attempt::Failed(chain(&error))),
        };
        let status = response.status();
        let body = match response.bytes().await {
            Ok(body) => body,
            Err(error) => return Ok(Attempt::Failed(chain(&error))),
        };
        self.judge(status, &body)
    }

    /// Classifies a response as an answer, a failure to retry, or an error.
    fn judge(&self, status: StatusCode, body: &[u8]) -> anyhow::Result<Attempt> {
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Ok(Attempt::Failed(format!("status {status}")));
        }
        let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
            bail!(
                "{} answered with status {status} and not as a GraphQL API does: check --url",
                self.endpoint
            );
        };
        let passes = |error: &Error| PASSING.contains(&error.extensions.code.as_str());
        match (
            answer.errors.iter().find(|error| !passes(error)),
            answer.errors.first(),
            answer.data,
        ) {
            (Some(error), ..) if error.extensions.code == KEY_REUSED => bail!(
                "another file of this name was loaded into this organization before, and a row of it \
                 asked for something else: the platform knows a row again by the file's name and the \
                 row's number, so give this file another name"
            ),
            (Some(error), ..) => bail!(
                "the platform refused the request with {}: {}",
                error.extensions.code,
                error.message
            ),
            (None, Some(error), _) => Ok(Attempt::Failed(format!(
                "{}: {}",
                error.extensions.code, error.message
            ))),
            (None, None, Some(data)) => Ok(Attempt::Answered(data)),
            (None, None, None) => {
                bail!(
                    "{} answered with neither data nor errors: check --url",
                    self.endpoint
                )
            }
        }
    }
}

enum Attempt {
    Answered(Value),
    /// A failure after which the request may be sent again, and its reason.
    Failed(String),
}

#[derive(Debug, Deserialize)]
struct Answer {
    data: Option<Value>,
    #[serde(default)]
    errors: Vec<Error>,
}

#[derive(Debug, Deserialize)]
struct Error {
    message: String,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Debug, Default, Deserialize)]
struct Extensions {
    #[serde(default)]
    code: String,
}

/// An error with its causes, because reqwest puts the reason into the last cause.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(status: u16, body: &str) -> anyhow::Result<Attempt> {
        let client = Client::new("http://127.0.0.1:1", String::new()).unwrap();
        client.judge(StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    #[test]
    fn an_address_may_have_the_path_or_not() {
        for url in [
            "http://a:1",
            "http://a:1/",
            "http://a:1/graphql",
            "http://a:1/graphql/",
        ] {
            let client = Client::new(url, String::new()).unwrap();
            assert_eq!(client.endpoint, "http://a:1/graphql", "{url}");
        }
        let proxied = Client::new("https://a/graphql", String::new()).unwrap();
        assert_eq!(proxied.endpoint, "https://a/graphql");
        for bad in ["127.0.0.1:8085", "ftp://a", ""] {
            assert!(
                Client::new(bad, String::new()).is_err(),
                "{bad:?} was taken"
            );
        }
    }

    #[test]
    fn data_without_errors_is_an_answer() {
        let answer = judge(200, r#"{"data":{"a":1}}"#).unwrap();
        assert!(matches!(answer, Attempt::Answered(data) if data["a"] == 1));
    }

    #[test]
    fn what_passes_is_tried_again() {
        let error = r#"{"data":null,"errors":[{"message":"m","extensions":{"code":"CODE"}}]}"#;
        for (status, code) in [
            (200, "UNAVAILABLE"),
            (200, "CONFLICT"),
            (200, "TOO_SLOW"),
            (200, "NOT_YET_CONSISTENT"),
            (503, "INTERNAL"),
        ] {
            let judged = judge(status, &error.replace("CODE", code)).unwrap();
            assert!(matches!(judged, Attempt::Failed(_)), "{status} {code}");
        }
    }

    #[test]
    fn what_does_not_pass_ends_the_load() {
        let error = r#"{"errors":[{"message":"m","extensions":{"code":"UNAUTHENTICATED"}}]}"#;
        let refusal = judge(401, error).err().expect("it is refused").to_string();
        assert!(refusal.contains("UNAUTHENTICATED: m"), "{refusal}");
        assert!(judge(404, "not found").is_err());
    }
}
