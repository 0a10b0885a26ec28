//! A droplet: a virtual machine, from the request to its end.
//!
//! ```text
//! requested -> active -> deleting -> deleted
//!     |  \________________^
//!     `-> failed
//! ```
//!
//! Deletion may be requested before the machine exists. A report of success or failure that comes later is
//! rejected. The provisioner then undoes the machine and reports it deleted. Protection only rejects
//! deletion; every other command is still accepted.
//!
//! A droplet may belong to a cluster, which counts the droplet until it failed or is deleted.

mod aggregate;
mod command;
mod event;
mod rejection;
mod spec;
mod state;
mod status;
#[cfg(test)]
mod tests;

pub use command::{DropletCommand, DropletUpdate};
pub use event::{
    DropletActivated, DropletDeleted, DropletDeletionRequested, DropletEvent, DropletProtected,
    DropletProvisioningFailed, DropletRenamed, DropletRequested, DropletTagged, DropletUnprotected,
    DropletUntagged,
};
pub use rejection::DropletRejection;
pub use spec::{Address, AddressKind, Protection, Provisioner, Spec};
pub use state::Droplet;
pub use status::DropletStatus;

use crate::catalogue::{CATALOGUE_DATE, Catalogue, Size};
use crate::decider::Decider;
use crate::input::check_text;
use crate::slug::{ImageSlug, RegionSlug, SizeSlug};
use crate::stream_type::StreamType;

/// The most tags that a droplet may have.
pub const MAX_TAGS: usize = 64;

/// The most addresses that a droplet may have.
pub const MAX_ADDRESSES: usize = 16;

impl Decider for Droplet {
    const STREAM_TYPE: StreamType = StreamType::DROPLET;
    const STATE_VERSION: i32 = 2;

    type Command = DropletCommand;
    type Event = DropletEvent;
    type Rejection = DropletRejection;

    fn decide(&self, command: &DropletCommand) -> Result<Vec<DropletEvent>, DropletRejection> {
        match command {
            DropletCommand::Provision {
                name,
                size,
                region,
                image,
                tags,
                cluster,
                provisioner,
            } => {
                self.must_be_absent()?;
                let size = offer(size, region, image)?;
                if tags.len() > MAX_TAGS {
                    return Err(DropletRejection::TooManyTags);
                }
                one(DropletRequested {
                    name: name.clone(),
                    size: size.slug.clone(),
                    region: region.clone(),
                    image: image.clone(),
                    tags: tags.clone(),
                    cluster: *cluster,
                    cluster_label: None,
                    provisioner: *provisioner,
                    catalogue: CATALOGUE_DATE.to_owned(),
                    vcpus: size.vcpus,
                    memory_mib: size.memory_mib,
                    disk_gib: size.disk_gib,
                    price_hourly_micros: size.price_hourly,
                    price_monthly_micros: size.price_monthly,
                })
            }
            DropletCommand::Update(update) => self.update(update),
            DropletCommand::RequestDeletion => match self.changeable()?.protection {
                Protection::Unprotected => one(DropletDeletionRequested {}),
                Protection::Protected => Err(DropletRejection::DropletProtected),
            },
        }
    }

    fn evolve(self, event: &DropletEvent) -> Self {
        if DropletStatus::after(self.status(), event).is_none() {
            return self;
        }
        match event {
            DropletEvent::Requested(requested) => Self::Requested {
                spec: Spec::from(requested),
            },
            DropletEvent::Activated(activated) => self.activated(&activated.addresses),
            DropletEvent::ProvisioningFailed(_) => Self::Failed,
            DropletEvent::Renamed(renamed) => {
                self.with_spec(|spec| spec.name = renamed.name.clone())
            }
            DropletEvent::Tagged(tagged) => self.with_spec(|spec| {
                spec.tags.insert(tagged.tag.clone());
            }),
            DropletEvent::Untagged(untagged) => self.with_spec(|spec| {
                spec.tags.remove(&untagged.tag);
            }),
            DropletEvent::Protected(_) => {
                self.with_spec(|spec| spec.protection = Protection::Protected)
            }
            DropletEvent::Unprotected(_) => {
                self.with_spec(|spec| spec.protection = Protection::Unprotected)
            }
            DropletEvent::DeletionRequested(_) => self.deleting(),
            DropletEvent::Deleted(_) => Self::Deleted,
        }
    }
}

impl Droplet {
    fn update(&self, update: &DropletUpdate) -> Result<Vec<DropletEvent>, DropletRejection> {
        match update {
            DropletUpdate::ReportActive { addresses } => {
                let spec = self.being_provisioned()?;
                // An agent's machine can be active before it has an address; ours cannot.
                if addresses.is_empty() && spec.provisioner == Provisioner::Platform {
                    return Err(DropletRejection::AddressRequired);
                }
                if addresses.len() > MAX_ADDRESSES {
                    return Err(DropletRejection::TooManyAddresses);
                }
                one(DropletActivated {
                    addresses: addresses.clone(),
                })
            }
            DropletUpdate::ReportFailed { reason } => {
                self.being_provisioned()?;
                check_text("reason", reason)?;
                one(DropletProvisioningFailed {
                    reason: reason.clone(),
                })
            }
            DropletUpdate::Rename { name } => {
                let spec = self.changeable()?;
                if spec.name == *name {
                    return nothing();
                }
                one(DropletRenamed {
                    from: spec.name.clone(),
                    name: name.clone(),
                })
            }
            DropletUpdate::Tag { tag } => {
                let spec = self.changeable()?;
                if spec.tags.contains(tag) {
                    return nothing();
                }
                if spec.tags.len() >= MAX_TAGS {
                    return Err(DropletRejection::TooManyTags);
                }
                one(DropletTagged { tag: tag.clone() })
            }
            DropletUpdate::Untag { tag } => {
                if !self.changeable()?.tags.contains(tag) {
                    return nothing();
                }
                one(DropletUntagged { tag: tag.clone() })
            }
            DropletUpdate::Protect => match self.changeable()?.protection {
                Protection::Unprotected => one(DropletProtected {}),
                Protection::Protected => nothing(),
            },
            DropletUpdate::Unprotect => match self.changeable()?.protection {
                Protection::Unprotected => nothing(),
                Protection::Protected => one(DropletUnprotected {}),
            },
            DropletUpdate::ReportDeleted => {
                self.must_be_deleting()?;
                one(DropletDeleted {})
            }
        }
    }
}

/// Returns the catalogue's offer of this size, if the region offers the size and the image fits on its
/// disk.
fn offer(
    size: &SizeSlug,
    region: &RegionSlug,
    image: &ImageSlug,
) -> Result<&'static Size, DropletRejection> {
    let catalogue = Catalogue::current();
    let offered = catalogue
        .size(size)
        .ok_or_else(|| DropletRejection::UnknownSize { size: size.clone() })?;
    if catalogue.region(region).is_none() {
        return Err(DropletRejection::UnknownRegion {
            region: region.clone(),
        });
    }
    if !offered.is_offered_in(region) {
        return Err(DropletRejection::SizeNotInRegion {
            size: size.clone(),
            region: region.clone(),
        });
    }
    let fitted = catalogue
        .image(image)
        .ok_or_else(|| DropletRejection::UnknownImage {
            image: image.clone(),
        })?;
    if fitted.min_disk_gib > offered.disk_gib {
        return Err(DropletRejection::ImageTooLargeForDisk {
            image: image.clone(),
            min_disk_gib: fitted.min_disk_gib,
            disk_gib: offered.disk_gib,
        });
    }
    Ok(offered)
}

fn one(event: impl Into<DropletEvent>) -> Result<Vec<DropletEvent>, DropletRejection> {
    Ok(vec![event.into()])
}

/// Returns no events: the state already is as the command asks.
fn nothing() -> Result<Vec<DropletEvent>, DropletRejection> {
    Ok(Vec::new())
}
