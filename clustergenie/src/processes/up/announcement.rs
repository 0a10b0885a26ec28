//! The announcement of a platform that serves: the banner on standard output, and the ready file.
//!
//! The ready file appears when every part is ready. The banner is printed even if Kafka does not answer,
//! because commands and queries work without it.

use std::env;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use api::identity::roles::Role;
use api::identity::tokens::{self, Claims};
use serde_json::json;
use tokio::time::timeout;

use super::{ORG, demo};
use crate::config::Up;
use crate::readiness::{self, Ready};
use crate::{secret_file, token};

/// Lifetime of the first token.
const TOKEN_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);
/// Longest time that the banner waits for Kafka alone.
const KAFKA_PATIENCE: Duration = Duration::from_secs(5);

/// Addresses and token of the platform, for people and for scripts.
pub(super) struct Announcement {
    url: String,
    token: String,
    database_url: String,
    settings: Up,
}

impl Announcement {
    /// Signs the first token.
    ///
    /// # Errors
    /// When the key is too short.
    pub(super) fn new(
        address: SocketAddr,
        key: &[u8],
        database_url: &str,
        settings: &Up,
    ) -> anyhow::Result<Self> {
        let (issued_at, expires_at) = token::lifetime(TOKEN_LIFETIME)?;
        let claims = Claims {
            subject: "developer".to_owned(),
            org: demo(),
            roles: vec![Role::Admin, Role::Agent],
            issued_at,
            expires_at,
        };
        Ok(Self {
            url: base_url(address),
            token: tokens::sign(key, &claims)?,
            database_url: database_url.to_owned(),
            settings: settings.clone(),
        })
    }

    /// Waits for readiness, then writes the ready file and prints the banner. The banner comes first, with a
    /// note, if only Kafka is missing.
    ///
    /// # Errors
    /// When the file cannot be written, or standard output is closed.
    pub(super) async fn publish(&self, ready: &Ready) -> anyhow::Result<()> {
        ready.wait_without(readiness::KAFKA).await;
        let kafka_answers = timeout(KAFKA_PATIENCE, ready.wait()).await.is_ok();
        if !kafka_answers {
            self.print_banner(&self.kafka_note())?;
            ready.wait().await;
            tracing::info!("Kafka answers; everything is ready");
        }
        if let Some(file) = &self.settings.ready_file {
            self.write_ready_file(file)?;
        }
        if kafka_answers {
            self.print_banner("")?;
        }
        Ok(())
    }

    fn print_banner(&self, note: &str) -> anyhow::Result<()> {
        io::stdout()
            .write_all(self.banner(note).as_bytes())
            .context("the banner cannot be printed")
    }

    fn kafka_note(&self) -> String {
        let brokers = self.settings.kafka.as_deref().unwrap_or_default();
        format!(
            "\nKafka at {brokers} does not answer; retrying. Events are stored, and published once it answers.\n"
        )
    }

    fn write_ready_file(&self, file: &Path) -> anyhow::Result<()> {
        let ready =
            json!({ "url": self.url, "token": self.token, "databaseUrl": self.database_url });
        secret_file::write(file, format!("{ready:#}\n").as_bytes())
    }

    fn banner(&self, note: &str) -> String {
        let Self { url, token, .. } = self;
        let data = self.settings.data.display();
        let program = env::args()
            .next()
            .unwrap_or_else(|| "clustergenie".to_owned());
        format!(
            r#"
ClusterGenie serves at {url} (GraphQL at {url}/graphql)
{note}
A token for the organization {ORG}, with the roles admin and agent, valid for 30 days:
  export TOKEN={token}

Three commands to try, in a shell with the variable above:
  curl -s {url}/graphql -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \
    -d '{{"query":"mutation {{ provisionDroplet(input: {{name: \"db-1\", size: \"s-1vcpu-1gb\", region: \"nyc3\", image: \"ubuntu-24-04-x64\"}}) {{ droplet {{ id status }} userErrors {{ field message code }} }} }}"}}'
  curl -s {url}/graphql -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \
    -d '{{"query":"{{ droplets(first: 10) {{ nodes {{ id name status addresses {{ ip }} }} }} jobs(first: 10) {{ nodes {{ kind status percent }} }} }}"}}'
  {program} token --data {data} --org {ORG} --role viewer

In a browser:
  {url}/#token={token}

Stop with Ctrl-C.
"#
        )
    }
}

/// The URL by which a client on this machine reaches the address.
fn base_url(address: SocketAddr) -> String {
    let mut reachable = address;
    if address.ip().is_unspecified() {
        reachable.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{reachable}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_one_that_can_be_reached() {
        for (listening, url) in [
            ("127.0.0.1:8085", "http://127.0.0.1:8085"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:80", "http://[::1]:80"),
        ] {
            assert_eq!(base_url(listening.parse().unwrap()), url);
        }
    }
}
