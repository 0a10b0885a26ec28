//! Declares the read model of droplets.

use domain::stream_type::StreamType;
use event_store::envelope::Recorded;

use super::counted::CountedDroplet;
use super::row::DropletRow;
use crate::fold::UnexpectedEvent;
use crate::model::{Counting, Model, View};

/// The read model of droplets: one row a droplet.
#[derive(Debug, Clone, Copy)]
pub struct Droplets;

impl Model for Droplets {
    const NAME: &'static str = "droplets";
    const VERSION: i32 = 3;
    const OF: &'static [StreamType] = &[StreamType::DROPLET];
    const TABLES: &'static str = include_str!("tables.sql");
    const VIEWS: &'static [View] = &[View {
        schema: "read_v1",
        name: "droplets",
        query: include_str!("read_v1.sql"),
    }];
    const COUNTING: Option<Counting> = Some(Counting::of::<CountedDroplet>());

    type Row = DropletRow;

    fn fold(row: Option<DropletRow>, event: &Recorded) -> Result<DropletRow, UnexpectedEvent> {
        DropletRow::fold(row, event)
    }
}
