//! `bench trace load`: plays a recorded cluster trace through the GraphQL API, as an external agent would.
//!
//! No request is sent for a malformed file. The events of one task are sent in their order. Playing a file
//! again repeats no mutation, even after either side was killed. The reason is that each mutation has an
//! idempotency key made of the file's name and the row. The loader must reach the platform only through its
//! public API.

mod client;
mod closing;
mod plan;
mod player;
mod rows;
mod settings;
mod size;
mod step;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail};
use api::identity::roles::Role;
use api::identity::tokens::Claims;
use chrono::{DateTime, TimeDelta, Utc};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use self::client::Client;
use self::closing::{Closing, Times};
use self::player::Playable;
use self::rows::Row;
use self::size::Size;

pub use self::settings::{Trace, TraceLoad};

/// The lifetime of a token that the loader signs: longer than any load.
const TOKEN_LIFE: TimeDelta = TimeDelta::hours(24);
/// The file of a data directory that holds the key which signs tokens.
const KEY_FILE: &str = "jwt.key";
/// Maximum number of characters of a file's name, so that idempotency keys have room for it.
const MAX_NAME_CHARS: usize = 200;

const CATALOGUE: &str =
    "query TraceCatalogue { catalogue { sizes { slug vcpus memoryMib priceMonthly { micros } } } }";

/// Loads a trace and prints the closing table to standard output.
///
/// The first Ctrl-C lets requests in flight finish; the second Ctrl-C does not wait for them.
///
/// # Errors
/// Those of [`load`].
pub async fn run(settings: TraceLoad) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let mut output = std::io::stdout();
    let loading = load(settings, &mut output, &stop);
    tokio::pin!(loading);
    tokio::select! {
        ended = &mut loading => return ended,
        _ = tokio::signal::ctrl_c() => stop.cancel(),
    }
    tokio::select! {
        ended = &mut loading => ended,
        _ = tokio::signal::ctrl_c() => Err(interrupted()),
    }
}

/// Loads a trace and writes the closing table to `output`. When `stop` is cancelled, the loader finishes the
/// requests in flight and sends no more.
///
/// # Errors
/// When the file is malformed (no mutation was sent), or the platform rejects a request or does not answer.
/// When a mutation was rejected (the table was written), or `stop` was cancelled.
pub async fn load(
    settings: TraceLoad,
    output: &mut impl Write,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let file_name = file_name(&settings.file)?;
    let rows = read(&settings.file)?;
    let client = Arc::new(Client::new(&settings.url, agent_token(&settings)?)?);
    let playable = Arc::new(unless(stop, prepare(&client, file_name, rows)).await?);

    let progress = progress_bar(playable.moments.len() as u64);
    let started = Instant::now();
    let concurrency = settings.concurrency.into();
    let played = player::play(
        Arc::clone(&client),
        Arc::clone(&playable),
        concurrency,
        &progress,
        stop,
    )
    .await;
    progress.finish_and_clear();
    let tally = played?;
    let playing = started.elapsed();
    let shown = closing::wait_for_read_models(&client, &tally.last_tokens);
    unless(stop, shown).await?;
    let times = Times {
        playing,
        catching_up: started.elapsed() - playing,
    };

    let counts = unless(stop, closing::count(&client)).await?;
    let closing = Closing::new(counts, playable.rows.len(), &tally, client.retried(), times);
    print(&closing, settings.json, output)?;
    if tally.refused > 0 {
        bail!(
            "the platform refused {} mutations, such as:\n  {}",
            tally.refused,
            tally.refusals.join("\n  ")
        );
    }
    Ok(())
}

/// Runs a future, unless `stop` is cancelled first.
async fn unless<T>(
    stop: &CancellationToken,
    doing: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    stop.run_until_cancelled(doing)
        .await
        .unwrap_or_else(|| Err(interrupted()))
}

fn interrupted() -> anyhow::Error {
    anyhow::anyhow!("interrupted: run the same command again to go on, nothing is done twice")
}

fn file_name(file: &Path) -> anyhow::Result<String> {
    file.file_name()
        .and_then(|name| name.to_str())
        .filter(|name| {
            name.chars().count() <= MAX_NAME_CHARS && !name.chars().any(char::is_control)
        })
        .map(str::to_owned)
        .with_context(|| {
            format!(
                "{} cannot be loaded under this name, which idempotency keys are made of: give it \
                 one of at most {MAX_NAME_CHARS} printable characters",
                file.display()
            )
        })
}

fn read(file: &Path) -> anyhow::Result<Vec<Row>> {
    let text = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    rows::read(&text)
        .with_context(|| format!("{} was not loaded, nothing was sent", file.display()))
}

/// The token of the settings, or a token that the loader signs for a platform on this machine.
fn agent_token(settings: &TraceLoad) -> anyhow::Result<String> {
    if let Some(token) = &settings.token {
        return Ok(token.clone());
    }
    if !is_local(&settings.url) {
        bail!("give a token of the role agent with --token (CLUSTERGENIE_TOKEN)");
    }
    let key = key_of(&settings.data).context(
        "there is no token: give one of the role agent with --token (CLUSTERGENIE_TOKEN), or say \
         with --data where the platform on this machine keeps its data",
    )?;
    let now = now();
    let claims = Claims {
        subject: "trace-load".to_owned(),
        org: settings.org.clone(),
        roles: vec![Role::Agent],
        issued_at: now,
        expires_at: now + TOKEN_LIFE,
    };
    Ok(api::identity::tokens::sign(&key, &claims)?)
}

/// The key that `clustergenie up` created in its data directory. Its file is text and ends with a line break.
fn key_of(data: &Path) -> anyhow::Result<Vec<u8>> {
    let path = data.join(KEY_FILE);
    let key = fs::read(&path).with_context(|| {
        format!(
            "{} cannot be read: start `clustergenie up --data {}` first, which makes it",
            path.display(),
            data.display()
        )
    })?;
    Ok(key.trim_ascii().to_vec())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the edge: here time enters the program"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

fn is_local(url: &str) -> bool {
    let url = Url::parse(url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

async fn prepare(client: &Client, file_name: String, rows: Vec<Row>) -> anyhow::Result<Playable> {
    let sizes = sizes(client).await?;
    let chosen = rows
        .iter()
        .map(|row| {
            Some(
                size::choose(&sizes, row.cpu_milli, row.memory_mib)?
                    .slug
                    .clone(),
            )
        })
        .collect::<Option<Vec<_>>>()
        .context("the platform's catalogue has no sizes")?;
    let moments = plan::plan(&rows);
    Ok(Playable {
        file_name,
        rows,
        sizes: chosen,
        moments,
    })
}

async fn sizes(client: &Client) -> anyhow::Result<Vec<Size>> {
    let data = client.send(CATALOGUE, json!({})).await?;
    let listed: Vec<Listed> = serde_json::from_value(data["catalogue"]["sizes"].clone())
        .context("the platform's catalogue has an unknown form")?;
    listed
        .into_iter()
        .map(|size| {
            Ok(Size {
                price: size
                    .price_monthly
                    .micros
                    .parse()
                    .context("a price is not a number")?,
                slug: size.slug,
                vcpus: size.vcpus,
                memory_mib: size.memory_mib,
            })
        })
        .collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    slug: String,
    vcpus: u32,
    memory_mib: u32,
    price_monthly: Price,
}

#[derive(Deserialize)]
struct Price {
    micros: String,
}

/// Creates a progress bar, which is shown on a terminal only.
fn progress_bar(moments: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec} ETA {eta}")
        .expect("the template is well-formed");
    ProgressBar::with_draw_target(Some(moments), ProgressDrawTarget::stderr()).with_style(style)
}

fn print(closing: &Closing, as_json: bool, output: &mut impl Write) -> anyhow::Result<()> {
    let text = if as_json {
        format!("{}\n", serde_json::to_string_pretty(closing)?)
    } else {
        closing.table()
    };
    output
        .write_all(text.as_bytes())
        .context("the table cannot be printed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_local() {
        for url in [
            "http://127.0.0.1:8085",
            "http://localhost/graphql",
            "http://[::1]:1",
        ] {
            assert!(is_local(url), "{url}");
        }
        for url in [
            "http://10.0.0.1:8085",
            "http://example.com",
            "http://127.0.0.1.example.com",
        ] {
            assert!(!is_local(url), "{url}");
        }
    }

    #[test]
    fn a_name_that_fits_no_key_is_refused() {
        assert_eq!(file_name(Path::new("/a/b.csv")).unwrap(), "b.csv");
        assert!(file_name(Path::new("/a/..")).is_err());
        assert!(file_name(Path::new(&"x".repeat(201))).is_err());
        assert!(file_name(Path::new("a\nb.csv")).is_err());
    }
}
