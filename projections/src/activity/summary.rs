//! What an event says to people, in one short sentence without its full stop.

use domain::droplet::DropletEvent;
use domain::event::{Event, StreamType};
use domain::job::{JobEvent, JobSubject};
use event_store::envelope::Recorded;

/// The sentence of an event; `name` is what its resource is called after it, where known.
pub(super) fn summary(event: &Recorded, name: Option<&str>) -> String {
    let who = match (name, event.stream.stream_type) {
        (Some(name), StreamType::Droplet) => name.to_owned(),
        (None, StreamType::Droplet) => format!("Droplet {}", event.stream.uuid),
        (Some(kind), StreamType::Job) => format!("The {kind} job"),
        (None, StreamType::Job) => format!("Job {}", event.stream.uuid),
    };
    match &event.event {
        Event::Droplet(happened) => droplet(&who, happened),
        Event::Job(happened) => job(&who, happened),
    }
}

fn droplet(who: &str, happened: &DropletEvent) -> String {
    match happened {
        DropletEvent::Requested(requested) => {
            format!(
                "{who} was requested: {} in {}",
                requested.size, requested.region
            )
        }
        DropletEvent::Activated(_) => format!("{who} became active"),
        DropletEvent::ProvisioningFailed(failed) => {
            format!("{who} could not be provisioned: {}", failed.reason)
        }
        DropletEvent::Renamed(renamed) => format!("{} was renamed to {who}", renamed.from),
        DropletEvent::Tagged(tagged) => format!("{who} was given the tag {}", tagged.tag),
        DropletEvent::Untagged(untagged) => format!("{who} lost the tag {}", untagged.tag),
        DropletEvent::Protected(_) => format!("{who} was protected against deletion"),
        DropletEvent::Unprotected(_) => format!("{who} may be deleted again"),
        DropletEvent::DeletionRequested(_) => format!("{who} is to be deleted"),
        DropletEvent::Deleted(_) => format!("{who} was deleted"),
    }
}

fn job(who: &str, happened: &JobEvent) -> String {
    match happened {
        JobEvent::Submitted(submitted) => match &submitted.subject {
            JobSubject::Droplet(id) => format!("{who} was submitted for droplet {id}"),
            JobSubject::Cluster(name) => format!("{who} was submitted for the cluster {name}"),
        },
        JobEvent::Started(started) => format!("{who} was started by {}", started.worker),
        JobEvent::Progressed(progressed) => match &progressed.message {
            Some(message) => format!("{who} is at {} %: {message}", progressed.percent),
            None => format!("{who} is at {} %", progressed.percent),
        },
        JobEvent::Succeeded(_) => format!("{who} succeeded"),
        JobEvent::Failed(failed) => format!("{who} failed: {}", failed.error),
        JobEvent::Cancelled(cancelled) => format!("{who} was cancelled: {}", cancelled.reason),
    }
}
