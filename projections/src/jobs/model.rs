//! Declares the read model of jobs.

use domain::stream_type::StreamType;
use event_store::envelope::Recorded;

use super::counted::CountedJob;
use super::row::JobRow;
use crate::fold::UnexpectedEvent;
use crate::model::{Counting, Model, View};

/// The read model of jobs: one row a job.
#[derive(Debug, Clone, Copy)]
pub struct Jobs;

impl Model for Jobs {
    const NAME: &'static str = "jobs";
    const VERSION: i32 = 2;
    const OF: &'static [StreamType] = &[StreamType::JOB];
    const TABLES: &'static str = include_str!("tables.sql");
    const VIEWS: &'static [View] = &[View {
        schema: "read_v1",
        name: "jobs",
        query: include_str!("read_v1.sql"),
    }];
    const COUNTING: Option<Counting> = Some(Counting::of::<CountedJob>());

    type Row = JobRow;

    fn fold(row: Option<JobRow>, event: &Recorded) -> Result<JobRow, UnexpectedEvent> {
        JobRow::fold(row, event)
    }
}
