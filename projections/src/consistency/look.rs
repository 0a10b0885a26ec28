//! One look in the database for everybody who waits.

use event_store::envelope::{Position, StreamId, Version};
use sqlx::PgPool;

use super::Wish;

/// A version of a stream, and what must have become of it.
#[derive(Debug)]
pub(super) struct Need {
    pub(super) stream: StreamId,
    pub(super) version: Version,
    pub(super) shown: Shown,
}

/// Where something must be shown.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shown {
    /// Nowhere: that there is such a stream is enough.
    No,
    /// In the log: it has a position.
    InLog,
    /// In a read model.
    By(&'static str),
}

/// What was found for a need.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) stream_is_known: bool,
    pub(super) is_shown: bool,
    pub(super) position: Option<Position>,
}

/// What there is for every need of every wish, in their order.
pub(super) async fn look(pool: &PgPool, wishes: &[Wish]) -> Result<Vec<Found>, sqlx::Error> {
    let mut needs = Columns::default();
    for wish in wishes {
        for need in &wish.needs {
            needs.orgs.push(wish.org.as_str());
            needs.streams.push(need.stream.uuid);
            needs.versions.push(need.version.0);
            let consumer = match need.shown {
                Shown::By(consumer) => Some(consumer),
                Shown::No | Shown::InLog => None,
            };
            needs.consumers.push(consumer);
        }
    }
    let rows: Vec<(bool, Option<i64>, bool)> = sqlx::query_as(include_str!("look.sql"))
        .bind(needs.orgs)
        .bind(needs.streams)
        .bind(needs.versions)
        .bind(needs.consumers)
        .fetch_all(pool)
        .await?;
    let needs = wishes.iter().flat_map(|wish| &wish.needs);
    let found = needs
        .zip(rows)
        .map(|(need, (stream_is_known, position, applied))| Found {
            stream_is_known,
            is_shown: match need.shown {
                Shown::No => true,
                Shown::InLog => position.is_some(),
                Shown::By(_) => applied,
            },
            position: position.map(Position),
        });
    Ok(found.collect())
}

/// The needs as columns.
#[derive(Default)]
struct Columns<'a> {
    orgs: Vec<&'a str>,
    streams: Vec<uuid::Uuid>,
    versions: Vec<i64>,
    consumers: Vec<Option<&'static str>>,
}
