//! The announcement of a platform that serves: the banner on standard output, and the ready file.

use std::env;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use api::auth::Claims;
use api::roles::Role;
use serde_json::json;

use super::{ORG, demo};
use crate::config::Up;
use crate::{secret_file, token};

/// Lifetime of the first token.
const TOKEN_LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// How to reach the platform: printed for people, written to the ready file for scripts.
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
            token: api::auth::sign(key, &claims)?,
            database_url: database_url.to_owned(),
            settings: settings.clone(),
        })
    }

    /// Writes the ready file, then prints the banner.
    ///
    /// # Errors
    /// When the file cannot be written, or standard output is closed.
    pub(super) fn publish(&self) -> anyhow::Result<()> {
        if let Some(file) = &self.settings.ready_file {
            self.write_ready_file(file)?;
        }
        io::stdout()
            .write_all(self.banner().as_bytes())
            .context("the banner cannot be printed")
    }

    fn write_ready_file(&self, file: &Path) -> anyhow::Result<()> {
        let ready =
            json!({ "url": self.url, "token": self.token, "databaseUrl": self.database_url });
        secret_file::write(file, format!("{ready:#}\n").as_bytes())
    }

    fn banner(&self) -> String {
        let Self { url, token, .. } = self;
        let data = self.settings.data.display();
        let program = env::args()
            .next()
            .unwrap_or_else(|| "clustergenie".to_owned());
        format!(
            r#"
ClusterGenie serves at {url} (GraphQL at {url}/graphql)

A token for the organization {ORG}, with the roles admin and agent, good for 30 days:
  export TOKEN={token}

Three commands to try, in a shell that has the line above:
  curl -s {url}/graphql -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \
    -d '{{"query":"mutation {{ provisionDroplet(input: {{name: \"web-1\", size: \"s-1vcpu-1gb\", region: \"nyc3\", image: \"ubuntu-24-04-x64\"}}) {{ droplet {{ id status }} userErrors {{ message }} }} }}"}}'
  curl -s {url}/graphql -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \
    -d '{{"query":"{{ droplets(first: 10) {{ nodes {{ id name status addresses {{ ip }} }} }} jobs(first: 10) {{ nodes {{ kind status percent }} }} }}"}}'
  {program} token --data {data} --org {ORG} --role viewer

The same for people, in a browser:
  {url}/#token={token}

Stop with Ctrl-C.
"#
        )
    }
}

/// How a client on this machine reaches the address.
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
