//! Rows are read from the columns of the views of clients: every field from its own, in every model.

use std::collections::BTreeSet;
use std::fmt::Debug;

use domain::ids::{ClusterId, DropletId, JobId};
use domain::job::JobSubject;
use domain::name::ClusterName;
use domain::stream_type::StreamType;
use projections::activity::ActivityRow;
use projections::activity::query::ActivityFilter;
use projections::clusters::Clusters;
use projections::columns::Columns;
use projections::droplets::Droplets;
use projections::jobs::Jobs;
use projections::model::Model;
use projections::page::{ByPosition, Direction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::AssertSqlSafe;
use testkit::events::new_stream;
use uuid::Uuid;

use crate::world::{World, Writer, first, org, requested, sample, submitted};

/// The rows of a view as JSON, by the names of its columns.
async fn as_json(world: &World, view: &str, order: &str) -> Vec<Value> {
    let select = format!("select to_json(r) from read_v1.{view} r order by {order}");
    sqlx::query_scalar(AssertSqlSafe(select))
        .fetch_all(&world.pool)
        .await
        .expect("the view is read")
}

/// Checks that the row has a field for each column of the view and no other, and that each field has the
/// value of its column.
fn check<R: Serialize + DeserializeOwned + PartialEq + Debug>(row: &R, column: &Value) {
    let field = serde_json::to_value(row).expect("a row is JSON");
    let names = |object: &Value| -> BTreeSet<String> {
        object
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect()
    };
    assert_eq!(names(&field), names(column));
    let expected: R = serde_json::from_value(column.clone()).expect("is a row");
    assert_eq!(*row, expected);
}

async fn check_all<M: Model<Row: PartialEq>>(world: &World) -> &'static str {
    let columns = as_json(world, M::NAME, "id").await;
    assert!(!columns.is_empty());
    let ids = columns.iter().map(|column| {
        let id = column["id"].as_str().expect("an id is a text");
        Uuid::parse_str(id).expect("is a UUID")
    });
    let ids: Vec<_> = ids.collect();
    let rows = world
        .reader
        .rows::<M>(&org("acme"), &ids, &Columns::All)
        .await;
    let rows = rows.expect("reads");
    for (id, column) in ids.iter().zip(&columns) {
        check(&rows[id], column);
    }
    M::NAME
}

/// Records lives that fill every column of every model.
async fn record_everything(world: &World) {
    let mut acme = Writer::new(world, "acme");
    let mut request = requested("web-1");
    request.cluster = Some(ClusterId::new(new_stream(StreamType::CLUSTER).uuid));
    let web: DropletId = acme.droplet(request).await;
    acme.record(web.into(), [sample("droplet_activated")]).await;
    let mut old = requested("web-2");
    old.cluster_label = ClusterName::parse("blue").ok();
    old.tags.clear();
    let old = acme.droplet(old).await;
    let failed = sample("droplet_provisioning_failed");
    acme.record(old.into(), [failed]).await;
    for end in ["job_succeeded", "job_failed"] {
        let job: JobId = acme.job(submitted("batch", JobSubject::Droplet(web))).await;
        acme.record(job.into(), [sample("job_started")]).await;
        acme.record(job.into(), [sample("job_progressed")]).await;
        acme.record(job.into(), [sample(end)]).await;
    }
    let label = ClusterName::parse("blue").expect("is a name");
    acme.job(submitted("batch", JobSubject::Cluster(label)))
        .await;
    let cluster = new_stream(StreamType::CLUSTER);
    acme.record(cluster, [sample("cluster_created")]).await;
    acme.record(cluster, [sample("cluster_described")]).await;
    world.catch_up().await;
}

#[tokio::test]
async fn every_field_of_every_row_is_read_from_its_column() {
    let world = World::new().await;
    record_everything(&world).await;
    let mut checked = vec![
        check_all::<Droplets>(&world).await,
        check_all::<Jobs>(&world).await,
        check_all::<Clusters>(&world).await,
    ];
    let columns = as_json(&world, "activity", "position").await;
    let page = first(100, ByPosition, Direction::Ascending);
    let filter = ActivityFilter::default();
    let read = world.reader.activity(&org("acme"), &filter, &page).await;
    let read: Vec<ActivityRow> = read
        .expect("reads")
        .items
        .into_iter()
        .map(|item| *item.node)
        .collect();
    assert_eq!(read.len(), columns.len());
    for (row, column) in read.iter().zip(&columns) {
        check(row, column);
    }
    // A new model with rows belongs here too. Counters have no rows of their own type.
    checked.extend(["activity", "counts"]);
    let models = projections::all();
    let models: BTreeSet<_> = models.iter().map(|model| model.name()).collect();
    assert_eq!(checked.into_iter().collect::<BTreeSet<_>>(), models);
}

#[tokio::test]
async fn a_view_of_an_older_version_is_read_without_the_columns_that_it_lacks() {
    let world = World::new().await;
    record_everything(&world).await;
    sqlx::raw_sql(
        "begin; \
         drop view read_v1.droplets; \
         create view read_v1.droplets with (security_invoker = true) as select id, org_id, name, \
             status, size, region, image, tags, cluster, provisioner, protection, vcpus, memory_mib, \
             disk_gib, price_hourly_micros, price_monthly_micros, addresses, failure_reason, version, \
             created_at, updated_at, recorded_at from droplets_1.droplets; \
         grant select on read_v1.droplets to clustergenie_reader; \
         commit",
    )
    .execute(&world.pool)
    .await
    .expect("the view is replaced");
    let ids: Vec<Uuid> = sqlx::query_scalar("select id from read_v1.droplets")
        .fetch_all(&world.pool)
        .await
        .expect("reads");
    let rows = world
        .reader
        .rows::<Droplets>(&org("acme"), &ids, &Columns::All)
        .await;
    let rows = rows.expect("reads");
    assert_eq!(rows.len(), 2);
    assert!(rows.values().all(|row| row.cluster.is_none()));
}
