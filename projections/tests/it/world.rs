//! A database with events, the projections that follow them, and a reader.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::droplet::{DropletEvent, DropletRequested};
use domain::event::DomainEvent;
use domain::ids::{DropletId, JobId, OrgId};
use domain::job::{JobEvent, JobSubject, JobSubmitted};
use domain::name::{DropletName, JobKind};
use domain::registry::Event;
use domain::slug::{RegionSlug, SizeSlug};
use domain::stream_type::StreamType;
use domain::tag::Tag;
use event_store::consume::consumer::{Consumer, apply_batch};
use event_store::consume::generation::{self, ConsumerMode};
use event_store::consume::shown;
use event_store::consume::source::{LogSource, Source};
use event_store::consume::wake::Signal;
use event_store::envelope::{Metadata, Position, StreamId, Version};
use event_store::incarnation::Incarnations;
use event_store::pool::Purpose;
use event_store::write::append::{Append, Outcome, Prepared, StreamAppend, append_batch};
use futures_util::{Stream, StreamExt};
use projections::changes::{Change, Changes, FollowError, Followed, Selection};
use projections::page::{Direction, LogCursor, Page, Take};
use projections::reader::Reader;
use sqlx::{AssertSqlSafe, PgPool};
use testkit::events::{metadata, new_stream, sequence};
use testkit::postgres::TestDatabase;

/// A database of one test.
pub(crate) struct World {
    pub(crate) database: TestDatabase,
    pub(crate) pool: PgPool,
    pub(crate) reader: Reader,
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::new().await;
        let queries = database.pool_for(Purpose::Queries).await;
        let pool = database.pool();
        Self {
            reader: Reader::new(queries, pool.clone(), Incarnations::of(pool.clone())),
            database,
            pool,
        }
    }

    /// Gives positions to all events and lets every projection apply them, from the log.
    pub(crate) async fn catch_up(&self) -> Position {
        let head = sequence(&self.pool).await;
        for projection in projections::all() {
            self.run(projection.as_ref(), head).await;
        }
        head
    }

    /// Lets one projection apply all events up to a position, from the log.
    pub(crate) async fn run(&self, projection: &dyn Consumer, head: Position) {
        let mut source = LogSource::new(
            self.pool.clone(),
            projection.name(),
            projection.stream_types(),
            Signal::new(),
            Duration::from_secs(1),
        );
        let generation = self.follow(projection).await;
        source.rewind(generation).await.expect("Postgres answers");
        while self.applied(projection).await < head {
            let batch = source.next().await.expect("the log can be read");
            apply_batch(&self.pool, projection, &batch)
                .await
                .expect("the batch is applied");
        }
    }

    /// The generation that the projection writes.
    pub(crate) async fn follow(&self, projection: &dyn Consumer) -> i32 {
        let mode = generation::mode(&self.pool, projection).await;
        let mode = mode.expect("Postgres answers");
        let ConsumerMode::Follow(generation) = mode else {
            panic!("{} does nothing: {mode:?}", projection.name());
        };
        generation
    }

    async fn applied(&self, projection: &dyn Consumer) -> Position {
        let query = shown::query(projection.name(), projection.stream_types());
        sqlx::query_scalar(AssertSqlSafe(query))
            .fetch_one(&self.pool)
            .await
            .map(Position)
            .expect("checkpoints can be read")
    }

    /// Every row of every read model's first generation, as text.
    pub(crate) async fn dump(&self) -> Vec<String> {
        sqlx::query_scalar(
            "select * from ( \
                 select 'droplets ' || d::text from droplets_1.droplets d \
                 union all select 'jobs ' || j::text from jobs_1.jobs j \
                 union all select 'clusters ' || c::text from clusters_1.clusters c \
                 union all select 'activity ' || a::text from activity_1.activity a \
                 union all select 'activity_names ' || n::text from activity_1.activity_names n \
                 union all select 'counts ' || c::text from counts_1.counts c \
                 union all select 'counted ' || c::text from counts_1.counted c \
             ) as rows(row) order by row collate \"C\"",
        )
        .fetch_all(&self.pool)
        .await
        .expect("the read models can be read")
    }
}

/// Records events of one organization, one a minute of business time.
pub(crate) struct Writer {
    pool: PgPool,
    pub(crate) org: OrgId,
    pub(crate) actor: String,
    pub(crate) minute: i64,
    versions: HashMap<StreamId, Version>,
}

impl Writer {
    pub(crate) fn new(world: &World, organization: &str) -> Self {
        Self {
            pool: world.pool.clone(),
            org: org(organization),
            actor: "tester".to_owned(),
            minute: 0,
            versions: HashMap::new(),
        }
    }

    /// Takes a stream to be at a version that another writer wrote.
    pub(crate) fn resume(&mut self, stream: StreamId, version: i64) {
        self.versions.insert(stream, Version(version));
    }

    pub(crate) async fn record(
        &mut self,
        stream: StreamId,
        events: impl IntoIterator<Item: Into<Event>>,
    ) {
        let events: Vec<Event> = events.into_iter().map(Into::into).collect();
        let version = self.versions.entry(stream).or_default();
        let expected = *version;
        *version = version.plus(events.len());
        self.minute += 1;
        let append = StreamAppend {
            stream,
            expected,
            events,
        };
        let metadata = Metadata {
            actor: self.actor.clone(),
            occurred_at: minute(self.minute),
            ..metadata()
        };
        let append = Append::new(self.org.clone(), vec![append], metadata);
        let prepared = Prepared::new(append).expect("the events can be stored");
        let outcomes = append_batch(&self.pool, &[prepared])
            .await
            .expect("the database takes events");
        assert_eq!(outcomes, [Outcome::Appended]);
    }

    /// A droplet that was requested.
    pub(crate) async fn droplet(&mut self, requested: DropletRequested) -> DropletId {
        let stream = new_stream(StreamType::DROPLET);
        self.record(stream, [DropletEvent::from(requested)]).await;
        DropletId::new(stream.uuid)
    }

    /// A job that was submitted.
    pub(crate) async fn job(&mut self, submitted: JobSubmitted) -> JobId {
        let stream = new_stream(StreamType::JOB);
        self.record(stream, [JobEvent::from(submitted)]).await;
        JobId::new(stream.uuid)
    }
}

pub(crate) fn org(name: &str) -> OrgId {
    OrgId::parse(name).expect("is the name of an organization")
}

/// Business time in tests.
pub(crate) fn minute(minute: i64) -> DateTime<Utc> {
    let start = DateTime::from_timestamp(1_672_531_200, 0).expect("2023 is a year");
    start + TimeDelta::minutes(minute)
}

/// The request of a droplet of this name; the rest as in the domain's sample.
pub(crate) fn requested(name: &str) -> DropletRequested {
    let DropletEvent::Requested(sample) = DropletEvent::samples().remove(0) else {
        panic!("the first sample is a request");
    };
    DropletRequested {
        name: DropletName::parse(name).expect("is the name of a droplet"),
        ..sample
    }
}

/// The same at a size, in a region, with tags.
pub(crate) fn requested_as(
    name: &str,
    size: &str,
    region: &str,
    tags: &[&str],
) -> DropletRequested {
    let tags = tags.iter().map(|tag| Tag::parse(*tag).expect("is a tag"));
    DropletRequested {
        size: SizeSlug::parse(size).expect("is a size"),
        region: RegionSlug::parse(region).expect("is a region"),
        tags: tags.collect::<BTreeSet<_>>(),
        ..requested(name)
    }
}

/// The submission of a job of this kind; the rest as in the domain's sample.
pub(crate) fn submitted(kind: &str, subject: JobSubject) -> JobSubmitted {
    let JobEvent::Submitted(sample) = JobEvent::samples().remove(0) else {
        panic!("the first sample is a submission");
    };
    JobSubmitted {
        kind: JobKind::parse(kind).expect("is a kind"),
        subject,
        ..sample
    }
}

/// The domain's sample of this type.
pub(crate) fn sample(event_type: &str) -> Event {
    let samples = Event::samples().into_iter();
    let mut found = samples.filter(|event| event.event_type() == event_type);
    found.next().expect("there is such an event")
}

/// The first so many, without cursors.
pub(crate) fn first<O>(count: u32, order: O, direction: Direction) -> Page<O> {
    Page::of(Take::First(count), order, direction)
}

/// The changes of an organization, without bookmarks.
pub(crate) fn follow(
    changes: &Changes,
    org: OrgId,
    after: Option<Position>,
) -> impl Stream<Item = Result<Change, FollowError>> + Send + use<> {
    let after = after.map(|position| LogCursor {
        position,
        ..LogCursor::default()
    });
    changes
        .follow(org, Selection::default(), after, None, Some)
        .map(|followed| {
            followed.map(|followed| match followed {
                Followed::Change(change) => change,
                Followed::Bookmark(_) => panic!("no bookmarks were asked for"),
            })
        })
}
