//! `DropletChange`, `JobChange`, `EventChange`: what subscriptions deliver.

use async_graphql::SimpleObject;
use projections::changes::Change;
use projections::droplets::row::DropletRow;
use projections::jobs::row::JobRow;
use projections::model::LiveRow;
use projections::page::Key;

use crate::types::droplet::Droplet;
use crate::types::event::Event;
use crate::types::job::Job;
use crate::types::node::Node;

/// Something that happened to a droplet.
#[derive(SimpleObject)]
pub(crate) struct DropletChange {
    /// Where it stands: subscribe again `after` it to go on without loss or repetition.
    cursor: String,
    /// What happened.
    event: Event,
    /// The droplet as of this event, whatever happened since. Null when the platform cannot read
    /// its history.
    droplet: Option<Droplet>,
}

/// Something that happened to a job.
#[derive(SimpleObject)]
pub(crate) struct JobChange {
    /// Where it stands: subscribe again `after` it to go on without loss or repetition.
    cursor: String,
    /// What happened.
    event: Event,
    /// The job as of this event, whatever happened since. Null when the platform cannot read its
    /// history.
    job: Option<Job>,
}

/// Something that happened to a droplet or a job.
#[derive(SimpleObject)]
pub(crate) struct EventChange {
    /// Where it stands: subscribe again `after` it to go on without loss or repetition.
    cursor: String,
    /// What happened.
    event: Event,
    /// The droplet or job as of this event, whatever happened since. Null when the platform cannot
    /// read its history.
    node: Option<Node>,
}

impl DropletChange {
    /// The change, with the droplet that is its node.
    pub(crate) fn new(change: Change, droplet: Option<Droplet>) -> Self {
        Self {
            cursor: cursor(&change),
            event: Event(change.event),
            droplet,
        }
    }
}

impl JobChange {
    /// The change, with the job that is its node.
    pub(crate) fn new(change: Change, job: Option<Job>) -> Self {
        Self {
            cursor: cursor(&change),
            event: Event(change.event),
            job,
        }
    }
}

impl From<Change> for EventChange {
    fn from(change: Change) -> Self {
        Self {
            cursor: cursor(&change),
            event: Event(change.event),
            node: change.node.as_ref().and_then(node),
        }
    }
}

fn node(row: &LiveRow) -> Option<Node> {
    let droplet = row
        .row::<DropletRow>()
        .map(|row| Node::Droplet(Droplet(row)));
    let job = || row.row::<JobRow>().map(|row| Node::Job(Job(row)));
    droplet.or_else(job)
}

fn cursor(change: &Change) -> String {
    Key::Position(change.position()).to_cursor()
}
