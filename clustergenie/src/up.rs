//! `clustergenie up`: everything in one process, with a Postgres of its own.

use std::env;
use std::future::pending;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use api::auth::{Auth, Claims};
use api::roles::Role;
use api::services::Services;
use domain::ids::OrgId;
use event_store::cloudevent::Topics;
use event_store::consume::shared_log::SharedLog;
use event_store::consume::wake::{UNTIL_HINTED, Wake};
use event_store::pool::{self, Purpose};
use event_store::stream_types;
use projections::consistency;
use projections::reader::Reader;
use serde_json::json;
use sqlx::PgPool;
use tokio::net::TcpListener;

use crate::config::Up;
use crate::data_directory::DataDirectory;
use crate::postgres::PrivatePostgres;
use crate::readiness::{Parts, Publishing, Ready, Relay, Standby};
use crate::tasks::{GRACE, Signals, Stage, Tasks};
use crate::telemetry::Metrics;
use crate::wiring::{self, Brokers, Feed};
use crate::{key, secret_file, token};

/// The organization of the ready token.
const ORG: &str = "demo";
/// How long the ready token is good for.
const TOKEN_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Runs until a signal or until a part fails; then stops everything, Postgres last.
///
/// # Errors
/// When something cannot be started, or a part failed.
pub(crate) async fn run(settings: Up) -> anyhow::Result<()> {
    let data = DataDirectory::take(&settings.data)?;
    // One of an earlier run says nothing about this one, whatever becomes of it.
    forget(settings.ready_file.as_deref())?;
    // Before Postgres is started, so that a wrong address is told at once.
    let listener = wiring::listen(settings.listen).await?;
    let key = key::make_in_data_directory(data.path())?;
    let postgres = PrivatePostgres::start(data.path(), settings.postgres_bin.as_deref()).await?;
    let ended = serve(&settings, listener, &key, &postgres).await;
    let forgotten = forget(settings.ready_file.as_deref());
    let stopped = postgres.stop(another_signal()).await;
    ended.and(stopped).and(forgotten)
}

async fn serve(
    settings: &Up,
    listener: TcpListener,
    key: &[u8],
    postgres: &PrivatePostgres,
) -> anyhow::Result<()> {
    let address = listener
        .local_addr()
        .context("the address of the API is unknown")?;
    let mut tasks = Tasks::new(GRACE);
    let ready = start(&mut tasks, settings, listener, key, postgres.url()).await?;

    let watched = postgres.clone();
    tasks.spawn_foundation("postgres", |stop| async move {
        tokio::select! {
            error = watched.ended() => Err(error),
            () = stop.cancelled() => Ok(()),
        }
    });
    let announcement = Announcement::new(address, key, postgres.url(), settings)?;
    tasks.spawn(Stage::Serve, "announcement", |stop| async move {
        if stop.run_until_cancelled(ready.wait()).await.is_some() {
            announcement.tell()?;
        }
        stop.cancelled().await;
        Ok(())
    });
    tasks.run().await
}

/// Returns when a signal comes from now on. Without one, Postgres has all the time that it may take.
async fn another_signal() {
    match Signals::listen() {
        Ok(mut signals) => {
            signals.next().await;
        }
        Err(_) => pending().await,
    }
}

/// Removes the ready file, which only says something true while we serve.
fn forget(ready_file: Option<&Path>) -> anyhow::Result<()> {
    let Some(file) = ready_file else {
        return Ok(());
    };
    secret_file::remove(file).with_context(|| format!("{} cannot be removed", file.display()))
}

/// Puts all parts into the task set.
async fn start(
    tasks: &mut Tasks,
    settings: &Up,
    listener: TcpListener,
    key: &[u8],
    database_url: &str,
) -> anyhow::Result<Arc<Ready>> {
    migrate(database_url).await?;
    let store = connect(database_url, Purpose::Commands, 16).await?;
    let appending = connect(database_url, Purpose::Commands, 2).await?;
    let relaying = connect(database_url, Purpose::Relay, 6).await?;
    let consuming = connect(database_url, Purpose::Consumers, 16).await?;
    let queries = connect(database_url, Purpose::Queries, 16).await?;
    let metrics = Metrics::start()?;
    let wake = Wake::default();

    let kafka = settings.kafka.clone().map(|addresses| Brokers {
        addresses,
        topics: Topics::new(settings.topics.prefix.clone()),
    });
    let publishing = if kafka.is_some() {
        Publishing::Kafka
    } else {
        Publishing::Nowhere
    };
    let log = SharedLog::new(consuming.clone());
    let feed = kafka.clone().map_or(Feed::Log(log.clone()), Feed::Kafka);
    let relay = wiring::relay(tasks, &relaying, &wake, kafka);

    let commands = wiring::commands(tasks, &store, appending, &wake);
    let todo = wiring::platform(tasks, &consuming, commands.clone(), &settings.provider);
    let mut consumers = consistency::announcing(projections::all(), &wake.applied);
    consumers.push(todo);
    wiring::consumers(tasks, &consuming, &wake, &feed, consumers.clone())?;
    wiring::rebuilds(tasks, &consuming, &wake);

    let reader = Reader::new(queries, store.clone());
    let ready = Ready::new(Parts {
        pool: store.clone(),
        consumers,
        relay: Some(Relay {
            health: relay,
            publishing,
            standby: Standby::IsNotReady,
        }),
    });
    wiring::observe(tasks, &ready, &metrics);
    let services = Services {
        commands,
        consistency: wiring::consistency(tasks, &reader, &wake, &settings.clients),
        reader,
        changes: wiring::changes(tasks, &store, log, &wake, UNTIL_HINTED),
        operating: wiring::operating(&store, &wake),
        operators: Some(settings.clients.operators_org.clone().unwrap_or_else(demo)),
        readiness: Arc::clone(&ready) as _,
    };
    let auth = Auth::new(key)?;
    wiring::api(tasks, listener, services, auth, &settings.clients, &metrics).await?;
    Ok(ready)
}

/// Without the limits of the pools that serve: a migration may take its time.
async fn migrate(database_url: &str) -> anyhow::Result<()> {
    let pool = connect(database_url, Purpose::Maintenance, 2).await?;
    schema::migrate::migrate(&pool).await?;
    stream_types::declare(&pool).await?;
    pool.close().await;
    Ok(())
}

async fn connect(url: &str, purpose: Purpose, connections: u32) -> anyhow::Result<PgPool> {
    pool::connect(url, purpose, connections)
        .await
        .context("the private Postgres does not take connections")
}

fn demo() -> OrgId {
    OrgId::parse(ORG).expect("the name of the demo organization is well-formed")
}

/// What people and scripts are told once everything serves.
struct Announcement {
    url: String,
    token: String,
    database_url: String,
    settings: Up,
}

impl Announcement {
    fn new(
        address: SocketAddr,
        key: &[u8],
        database_url: &str,
        settings: &Up,
    ) -> anyhow::Result<Self> {
        let (issued_at, expires_at) = token::lifetime(TOKEN_LIFE)?;
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

    fn tell(&self) -> anyhow::Result<()> {
        if let Some(file) = &self.settings.ready_file {
            self.write_ready_file(file)?;
        }
        io::stdout()
            .write_all(self.for_people().as_bytes())
            .context("nobody can be told that everything serves")
    }

    fn write_ready_file(&self, file: &Path) -> anyhow::Result<()> {
        let ready =
            json!({ "url": self.url, "token": self.token, "databaseUrl": self.database_url });
        secret_file::write(file, format!("{ready:#}\n").as_bytes())
    }

    fn for_people(&self) -> String {
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
