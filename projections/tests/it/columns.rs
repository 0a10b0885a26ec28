//! A version of a read model can rename, retype and drop columns: it is made beside the one that
//! serves, and clients' views keep their columns.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::ids::{DropletId, OrgId};
use domain::name::DropletName;
use domain::stream_type::StreamType;
use event_store::envelope::{Recorded, Version};
use projections::columns::Columns;
use projections::droplets::Droplets;
use projections::droplets::query::{DropletFilter, DropletOrder};
use projections::droplets::row::DropletRow;
use projections::fold::UnexpectedEvent;
use projections::model::{self, Cells, FromCells, Model, Rows, StreamRow, View};
use projections::page::Direction;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use testkit::events::sequence;
use testkit::wait::{DEADLINE, until};

use crate::rebuild::{await_states, rebuilder, request, states, worker};
use crate::replay::record_lives;
use crate::world::{World, first, org, requested};

/// Droplets as a later version could keep them: `name` is called `title`, `vcpus` is a text,
/// `failure_reason` is gone, and what is left is in one column.
struct ReshapedDroplets;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct ReshapedRow {
    id: DropletId,
    org_id: OrgId,
    title: DropletName,
    vcpus: String,
    droplet: DropletRow,
    version: Version,
}

impl StreamRow for ReshapedRow {
    fn version(&self) -> Version {
        self.version
    }

    fn recorded_at(&self) -> DateTime<Utc> {
        self.droplet.recorded_at
    }
}

impl FromCells for ReshapedRow {
    fn from_cells(cells: &mut Cells<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: cells.uuid()?,
            org_id: cells.text("unread")?,
            title: cells.text("unread")?,
            vcpus: cells.text("unread")?,
            droplet: serde_json::from_str(cells.json_text()?.as_str())
                .map_err(|error| sqlx::Error::Decode(error.into()))?,
            version: cells.number()?,
        })
    }
}

impl Model for ReshapedDroplets {
    const NAME: &'static str = Droplets::NAME;
    const VERSION: i32 = Droplets::VERSION + 1;
    const OF: &'static [StreamType] = Droplets::OF;
    const TABLES: &'static str = include_str!("columns/tables.sql");
    const VIEWS: &'static [View] = &[
        View {
            schema: "read_v1",
            name: "droplets",
            query: include_str!("columns/read_v1.sql"),
        },
        View {
            schema: "read_v2",
            name: "droplets",
            query: "select id, org_id, title from droplets",
        },
    ];

    type Row = ReshapedRow;

    fn fold(row: Option<ReshapedRow>, event: &Recorded) -> Result<ReshapedRow, UnexpectedEvent> {
        let mut droplet = model::fold::<Droplets>(row.map(|row| row.droplet), event)?;
        droplet.failure_reason = None;
        Ok(ReshapedRow {
            id: droplet.id,
            org_id: droplet.org.clone(),
            title: droplet.name.clone(),
            vcpus: droplet.vcpus.to_string(),
            version: droplet.version,
            droplet,
        })
    }
}

/// The columns of a view, with their types.
async fn columns(world: &World, schema: &str) -> Vec<(String, String)> {
    sqlx::query_as(
        "select column_name::text, data_type::text from information_schema.columns \
         where table_schema = $1 and table_name = 'droplets' order by ordinal_position",
    )
    .bind(schema)
    .fetch_all(&world.pool)
    .await
    .expect("Postgres answers")
}

/// What the version of another layout keeps too.
async fn rows(world: &World) -> Vec<Value> {
    sqlx::query_scalar(
        "select to_jsonb(d) - 'failure_reason' from read_v1.droplets d order by d.id",
    )
    .fetch_all(&world.pool)
    .await
    .expect("reads")
}

/// Reads droplets as clients and analysts do, until the generations have these states.
async fn read_until(world: &World, wanted: &[&str]) {
    let reading = tokio::time::timeout(DEADLINE, read(world, wanted));
    reading
        .await
        .expect("the generations have these states in time");
}

async fn read(world: &World, wanted: &[&str]) {
    let mut analyst = world.pool.acquire().await.expect("connects");
    let page = first(100, DropletOrder::Name, Direction::Ascending);
    while states(world, "droplets").await != wanted {
        let filter = DropletFilter::default();
        let slice = world
            .reader
            .page::<Droplets>(&org("acme"), &filter, &page)
            .await;
        assert!(!slice.expect("is answered").items.is_empty());
        // The same prepared statements all the time, also upon a view of their own.
        for asked in [
            "select * from read_v1.droplets order by name limit 3",
            "select * from mine",
        ] {
            let rows = sqlx::query(asked).fetch_all(&mut *analyst).await;
            assert_eq!(rows.expect("is answered").len(), 3, "{asked}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_are_renamed_retyped_and_dropped_while_clients_read_the_same_view() {
    let world = World::new().await;
    let mut writer = record_lives(&world, 30).await;
    world.catch_up().await;
    sqlx::raw_sql("create view mine as select name, vcpus from read_v1.droplets limit 3")
        .execute(&world.pool)
        .await
        .expect("a view is made upon ours");
    let (shown, before) = (columns(&world, "read_v1").await, rows(&world).await);

    let reshaped = Arc::new(Rows(ReshapedDroplets));
    let _workers = [
        worker(&world, Arc::new(Rows(Droplets))),
        worker(&world, reshaped.clone()),
    ];
    let newer = rebuilder(&world, "newer", vec![reshaped]);
    read_until(&world, &["RETIRED", "SERVING"]).await;
    assert_eq!(columns(&world, "read_v1").await, shown);
    assert_eq!(rows(&world).await, before);
    let names: Vec<_> = columns(&world, "droplets_2").await;
    let names: Vec<_> = names.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["id", "org_id", "title", "vcpus", "droplet", "version"]
    );

    let new = writer.droplet(requested("new")).await;
    sequence(&world.pool).await;
    until("the newer code applies what comes", async || {
        let row = world
            .reader
            .row::<Droplets>(&writer.org, new, &Columns::All)
            .await;
        row.expect("is answered")
    })
    .await;
    until("the old tables are dropped", async || {
        columns(&world, "droplets_1").await.is_empty().then_some(())
    })
    .await;
    drop(newer);

    // And back: the older code does not know the newer view, which would show old rows for ever.
    assert_eq!(columns(&world, "read_v2").await.len(), 3);
    assert_eq!(request(&world, &Rows(Droplets)).await, 3);
    let _older = rebuilder(&world, "older", vec![Arc::new(Rows(Droplets))]);
    read_until(&world, &["RETIRED", "RETIRED", "SERVING"]).await;
    assert_eq!(columns(&world, "read_v1").await, shown);
    assert_eq!(rows(&world).await.len(), before.len() + 1);
    assert!(columns(&world, "read_v2").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_program_keeps_the_columns_of_a_newer_one() {
    /// A later version, with a column more.
    struct WiderDroplets;

    impl Model for WiderDroplets {
        const NAME: &'static str = Droplets::NAME;
        const VERSION: i32 = Droplets::VERSION + 1;
        const OF: &'static [StreamType] = Droplets::OF;
        const TABLES: &'static str = Droplets::TABLES;
        const VIEWS: &'static [View] = &[View {
            schema: "read_v1",
            name: "droplets",
            query: "select id, org_id, name, status, size, region, image, tags, cluster, provisioner, \
                    protection, vcpus, memory_mib, disk_gib, price_hourly_micros, \
                    price_monthly_micros, addresses, failure_reason, version, created_at, updated_at, \
                    recorded_at, cluster_id, length(name) as \"Length\" from droplets",
        }];

        type Row = DropletRow;

        fn fold(row: Option<DropletRow>, event: &Recorded) -> Result<DropletRow, UnexpectedEvent> {
            model::fold::<Droplets>(row, event)
        }
    }

    let world = World::new().await;
    record_lives(&world, 6).await;
    world.catch_up().await;
    let (shown, before) = (columns(&world, "read_v1").await, rows(&world).await);
    let newer = rebuilder(&world, "newer", vec![Arc::new(Rows(WiderDroplets))]);
    await_states(&world, "droplets", &["RETIRED", "SERVING"]).await;
    drop(newer);
    let wider = columns(&world, "read_v1").await;
    assert_eq!(wider.len(), shown.len() + 1);

    request(&world, &Rows(Droplets)).await;
    let _older = rebuilder(&world, "older", vec![Arc::new(Rows(Droplets))]);
    await_states(&world, "droplets", &["RETIRED", "RETIRED", "SERVING"]).await;
    assert_eq!(columns(&world, "read_v1").await, wider);
    let known: Vec<Value> = sqlx::query_scalar(
        "select to_jsonb(d) - 'failure_reason' - 'Length' from read_v1.droplets d \
         where d.\"Length\" is null order by d.id",
    )
    .fetch_all(&world.pool)
    .await
    .expect("reads");
    assert_eq!(known, before);
}

#[tokio::test]
async fn a_view_whose_columns_would_change_is_refused_and_the_old_one_serves() {
    /// One that has forgotten what it promised.
    struct Forgetful;

    impl Model for Forgetful {
        const NAME: &'static str = Droplets::NAME;
        const VERSION: i32 = Droplets::VERSION + 1;
        const OF: &'static [StreamType] = Droplets::OF;
        const TABLES: &'static str = Droplets::TABLES;
        const VIEWS: &'static [View] = &[View {
            schema: "read_v1",
            name: "droplets",
            query: "select id, org_id, name as title from droplets",
        }];

        type Row = DropletRow;

        fn fold(row: Option<DropletRow>, event: &Recorded) -> Result<DropletRow, UnexpectedEvent> {
            model::fold::<Droplets>(row, event)
        }
    }

    let world = World::new().await;
    record_lives(&world, 6).await;
    world.catch_up().await;
    let (shown, before) = (columns(&world, "read_v1").await, rows(&world).await);
    let _rebuilder = rebuilder(&world, "forgetful", vec![Arc::new(Rows(Forgetful))]);
    await_states(&world, "droplets", &["SERVING", "BUILDING"]).await;
    let epoch = async || -> Option<i64> {
        sqlx::query_scalar("select epoch from es.leases where name = 'rebuild'")
            .fetch_optional(&world.pool)
            .await
            .expect("Postgres answers")
    };
    // The lease is taken again when what was done under it has ended.
    let first = until("it is tried", &epoch).await;
    until("it was tried, and is tried again", async || {
        epoch().await.filter(|epoch| *epoch > first)
    })
    .await;
    let compared: bool =
        sqlx::query_scalar("select report is not null from es.generations where generation = 2")
            .fetch_one(&world.pool)
            .await
            .expect("Postgres answers");
    assert!(compared, "nothing but the switch was left");
    assert_eq!(states(&world, "droplets").await, ["SERVING", "BUILDING"]);
    assert_eq!(columns(&world, "read_v1").await, shown);
    assert_eq!(rows(&world).await, before);
}
