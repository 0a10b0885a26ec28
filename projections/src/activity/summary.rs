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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::recorded;

    #[test]
    fn every_event_has_its_sentence() {
        let sentences: Vec<_> = Event::samples()
            .into_iter()
            .map(|event| {
                let name = match event {
                    Event::Droplet(_) => "web-2",
                    Event::Job(_) => "batch",
                };
                summary(&recorded(1, event), Some(name))
            })
            .collect();
        assert_eq!(
            sentences,
            [
                "web-2 was requested: s-1vcpu-1gb in nyc3",
                "web-2 became active",
                "web-2 could not be provisioned: unschedulable",
                "web-1 was renamed to web-2",
                "web-2 was given the tag qos:LS",
                "web-2 lost the tag qos:LS",
                "web-2 was protected against deletion",
                "web-2 may be deleted again",
                "web-2 is to be deleted",
                "web-2 was deleted",
                "The batch job was submitted for droplet 01923f4a-8c00-7000-8000-000000000001",
                "The batch job was started by worker-7",
                "The batch job is at 30 %: copying the image",
                "The batch job succeeded",
                "The batch job failed: out of memory",
                "The batch job was cancelled: evicted",
            ]
        );
    }

    #[test]
    fn without_a_name_the_id_stands_for_it() {
        let deleted = domain::droplet::DropletDeleted {};
        let deleted = recorded(1, Event::Droplet(deleted.into()));
        assert_eq!(
            summary(&deleted, None),
            "Droplet 00000000-0000-0000-0000-000000000001 was deleted"
        );
    }
}
