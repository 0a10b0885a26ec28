//! Declares the read model of clusters.

use domain::stream_type::StreamType;
use event_store::envelope::Recorded;

use super::counted::CountedCluster;
use super::row::ClusterRow;
use crate::fold::UnexpectedEvent;
use crate::model::{Counting, Model, View};

/// The read model of clusters: one row a cluster.
#[derive(Debug, Clone, Copy)]
pub struct Clusters;

impl Model for Clusters {
    const NAME: &'static str = "clusters";
    const VERSION: i32 = 1;
    const OF: &'static [StreamType] = &[StreamType::CLUSTER];
    const TABLES: &'static str = include_str!("tables.sql");
    const VIEWS: &'static [View] = &[View {
        schema: "read_v1",
        name: "clusters",
        query: include_str!("read_v1.sql"),
    }];
    const COUNTING: Option<Counting> = Some(Counting::of::<CountedCluster>());

    type Row = ClusterRow;

    fn fold(row: Option<ClusterRow>, event: &Recorded) -> Result<ClusterRow, UnexpectedEvent> {
        ClusterRow::fold(row, event)
    }
}
