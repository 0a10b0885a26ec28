//! Appends by event stores in Rust, as their documentations show it: one call for each event, which fails if the
//! stream has changed. Prints the number of accepted events, of conflicts, and the seconds.

mod postgres_es;
mod umadb;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::bail;
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

/// A caller with a stream.
trait Caller: Send + 'static {
    /// Appends an event. Returns false if there was a conflict, after which the caller can try again.
    fn append(&mut self) -> impl Future<Output = anyhow::Result<bool>> + Send;
}

/// Callers that append until a time.
struct Callers {
    started: Instant,
    until: Instant,
    tasks: JoinSet<anyhow::Result<(u32, u32)>>,
}

impl Callers {
    fn for_seconds(seconds: u64) -> Self {
        let started = Instant::now();
        let until = started + Duration::from_secs(seconds);
        let tasks = JoinSet::new();
        Self {
            started,
            until,
            tasks,
        }
    }

    fn spawn(&mut self, mut caller: impl Caller) {
        let until = self.until;
        self.tasks.spawn(async move {
            let (mut accepted, mut conflicts) = (0, 0);
            while Instant::now() < until {
                if caller.append().await? {
                    accepted += 1;
                } else {
                    conflicts += 1;
                }
            }
            Ok((accepted, conflicts))
        });
    }

    async fn finish(self) -> anyhow::Result<()> {
        let (mut accepted, mut conflicts) = (0, 0);
        for ended in self.tasks.join_all().await {
            let ended = ended?;
            accepted += ended.0;
            conflicts += ended.1;
        }
        let seconds = self.started.elapsed().as_secs_f64();
        println!(
            "{}",
            json!({ "accepted": accepted, "conflicts": conflicts, "seconds": seconds })
        );
        Ok(())
    }
}

/// Returns the stream of a caller: the hot one, or one of its own in one of two categories.
fn stream(work: &str, number: u16) -> String {
    if work == "hot" {
        return "droplet-hot".to_owned();
    }
    let category = if is_job(number) { "job" } else { "droplet" };
    format!("{category}-{}", Uuid::new_v4())
}

/// Returns whether the own stream of a caller is that of a job.
fn is_job(number: u16) -> bool {
    number % 2 == 1
}

/// Returns the metadata of an event.
fn metadata() -> [(&'static str, String); 5] {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    [
        ("actor", "bench".to_owned()),
        ("command_id", Uuid::new_v4().to_string()),
        ("correlation_id", Uuid::new_v4().to_string()),
        ("source", "api".to_owned()),
        (
            "occurred_at",
            now.unwrap_or_default().as_micros().to_string(),
        ),
    ]
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["umadb", url, "count"] => {
            println!("{}", umadb::count(url).await?);
            Ok(())
        }
        ["umadb", url, work, callers, seconds] => {
            umadb::run(url, work, callers.parse()?, seconds.parse()?).await
        }
        ["postgres-es", url, work, callers, seconds] => {
            postgres_es::run(url, work, callers.parse()?, seconds.parse()?).await
        }
        _ => bail!("arguments: PEER URL own|hot CALLERS SECONDS, or umadb URL count"),
    }
}
