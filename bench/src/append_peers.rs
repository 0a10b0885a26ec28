//! Commands a second of 64 callers, compared with event stores on the same Postgres, and with one of its own storage.
//!
//! Each caller writes a stream of its own, of one of two categories; or all write one stream, and try again after a
//! conflict. Only ours has quotas over many streams, so that work has no other side.

mod peer;

use event_store::incarnation;
use event_store::pool::{self, Purpose};

use crate::append::callers::{Callers, Work};
use crate::append_peers::peer::{KINDS, Peer};
use crate::report::{Bound, Report};
use crate::servers::Servers;
use crate::settings::Settings;

const CALLERS: u16 = 64;
const RATE: &str = "events/s";
const CONFLICTS: &str = "conflicts/s";
const OWN: &str = "streams of their own";
const HOT: &str = "one hot stream";

/// The droplets that a cluster has room for: fewer than the callers send while they learn that it is full.
const ROOM: u32 = 1_000;

/// Measures all sides, and writes the report.
///
/// # Errors
/// When a side fails, loses an event, or accepts one too many.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    settings.create_dir()?;
    let owner = pool::connect(&settings.database_url, Purpose::Maintenance, 1).await?;
    schema::migrate::migrate(&owner).await?;
    let pool = pool::connect(&settings.database_url, Purpose::Commands, 8).await?;
    incarnation::ensure(&pool).await?;
    let callers = Callers::prepare(pool, CALLERS).await?;
    let mut servers = Servers::default();
    let mut peers = Vec::new();
    if let Some(dir) = &settings.peers {
        for kind in KINDS {
            peers.push(Peer::create(kind, &settings, dir, &mut servers).await?);
        }
    }
    let mut report = Report::new("append-peers");
    for _ in 0..settings.rounds {
        for (work, name, of_peer) in [(Work::Existing, OWN, "own"), (Work::Hot, HOT, "hot")] {
            let measured = callers.measure(work, CALLERS, settings.length()).await?;
            report.add(name, "ours", RATE, measured.per_second);
            for peer in &mut peers {
                let run = peer.measure(of_peer, CALLERS, settings.seconds).await?;
                let second = |count: u32| f64::from(count) / run.seconds;
                report.add(name, peer.name(), RATE, second(run.accepted));
                report.add(name, peer.name(), CONFLICTS, second(run.conflicts));
            }
        }
    }
    callers.check(&owner).await?;
    for peer in &peers {
        peer.check().await?;
    }
    for _ in 0..settings.rounds {
        let rate = callers.fill_cluster(ROOM).await?;
        report.add("one quota, until it is used up", "ours", "droplets/s", rate);
    }
    for work in [OWN, HOT] {
        for kind in KINDS {
            report.goal(
                &format!("{work}: ours, compared with {}", kind.name()),
                report.median(work, "ours", RATE),
                report.median(work, kind.name(), RATE),
                Bound::AtLeast(kind.goal()),
            );
        }
    }
    report.finish(&settings)
}
