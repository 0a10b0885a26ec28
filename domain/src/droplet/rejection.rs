//! The rejections of a droplet.

use thiserror::Error;

use super::{MAX_ADDRESSES, MAX_TAGS};
use crate::decider::Rejection;
use crate::input::InvalidInput;
use crate::slug::{ImageSlug, RegionSlug, SizeSlug};

/// The rule of droplets that a command would break.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DropletRejection {
    /// A platform droplet was reported active without an address.
    #[error("a droplet of the platform needs an address to be active: report at least one")]
    AddressRequired,
    /// The droplet was already reported active.
    #[error("the droplet is already active: its provisioning cannot be reported on again")]
    DropletAlreadyActive,
    /// A droplet with this id was already requested.
    #[error("this droplet was already requested: use another id for another droplet")]
    DropletAlreadyExists,
    /// The deletion of the droplet was requested, so that no other event may follow.
    #[error("the droplet is being deleted already: wait until its machine is removed")]
    DropletBeingDeleted,
    /// The droplet is deleted.
    #[error("the droplet is deleted: provision another one")]
    DropletDeleted,
    /// The machine of the droplet could not be made.
    #[error("the droplet could not be provisioned: provision another one")]
    DropletFailed,
    /// The droplet was reported deleted though nobody requested its deletion.
    #[error("the droplet is not being deleted: request its deletion first")]
    DropletNotBeingDeleted,
    /// No droplet has this id.
    #[error("there is no such droplet: check its id")]
    DropletNotFound,
    /// The droplet is protected against deletion.
    #[error("the droplet is protected against deletion: unprotect it first")]
    DropletProtected,
    /// The image needs a larger disk than the size has.
    #[error(
        "the image {image} needs a disk of {min_disk_gib} GiB and the size has one of {disk_gib}: \
         choose a larger size or another image"
    )]
    ImageTooLargeForDisk {
        /// The requested image.
        image: ImageSlug,
        /// The disk that the image needs, in GiB.
        min_disk_gib: u32,
        /// The disk of the requested size, in GiB.
        disk_gib: u32,
    },
    /// A text is beyond its limits.
    #[error(transparent)]
    InvalidInput(#[from] InvalidInput),
    /// The region does not offer the size.
    #[error(
        "the size {size} is not offered in {region}: choose a region of the catalogue that offers it"
    )]
    SizeNotInRegion {
        /// The requested size.
        size: SizeSlug,
        /// The requested region.
        region: RegionSlug,
    },
    /// The report has more than [`MAX_ADDRESSES`] addresses.
    #[error("a droplet can have at most {MAX_ADDRESSES} addresses: report fewer")]
    TooManyAddresses,
    /// The droplet would have more than [`MAX_TAGS`] tags.
    #[error("a droplet can have at most {MAX_TAGS} tags: leave some out")]
    TooManyTags,
    /// The catalogue does not have the image.
    #[error("there is no image {image}: see the catalogue for those there are")]
    UnknownImage {
        /// The requested image.
        image: ImageSlug,
    },
    /// The catalogue does not have the region.
    #[error("there is no region {region}: see the catalogue for those there are")]
    UnknownRegion {
        /// The requested region.
        region: RegionSlug,
    },
    /// The catalogue does not have the size.
    #[error("there is no size {size}: see the catalogue for those there are")]
    UnknownSize {
        /// The requested size.
        size: SizeSlug,
    },
}

impl Rejection for DropletRejection {
    fn code(&self) -> &'static str {
        match self {
            Self::AddressRequired => "ADDRESS_REQUIRED",
            Self::DropletAlreadyActive => "DROPLET_ALREADY_ACTIVE",
            Self::DropletAlreadyExists => "DROPLET_ALREADY_EXISTS",
            Self::DropletBeingDeleted => "DROPLET_BEING_DELETED",
            Self::DropletDeleted => "DROPLET_DELETED",
            Self::DropletFailed => "DROPLET_FAILED",
            Self::DropletNotBeingDeleted => "DROPLET_NOT_BEING_DELETED",
            Self::DropletNotFound => "DROPLET_NOT_FOUND",
            Self::DropletProtected => "DROPLET_PROTECTED",
            Self::ImageTooLargeForDisk { .. } => "IMAGE_TOO_LARGE_FOR_DISK",
            Self::InvalidInput(input) => input.code(),
            Self::SizeNotInRegion { .. } => "SIZE_NOT_IN_REGION",
            Self::TooManyAddresses => "TOO_MANY_ADDRESSES",
            Self::TooManyTags => "TOO_MANY_TAGS",
            Self::UnknownImage { .. } => "UNKNOWN_IMAGE",
            Self::UnknownRegion { .. } => "UNKNOWN_REGION",
            Self::UnknownSize { .. } => "UNKNOWN_SIZE",
        }
    }

    fn field(&self) -> Option<&'static str> {
        match self {
            Self::AddressRequired | Self::TooManyAddresses => Some("addresses"),
            Self::DropletAlreadyActive
            | Self::DropletAlreadyExists
            | Self::DropletBeingDeleted
            | Self::DropletDeleted
            | Self::DropletFailed
            | Self::DropletNotBeingDeleted
            | Self::DropletProtected => None,
            Self::DropletNotFound => Some("id"),
            Self::ImageTooLargeForDisk { .. } | Self::UnknownImage { .. } => Some("image"),
            Self::InvalidInput(input) => Some(input.field()),
            Self::SizeNotInRegion { .. } | Self::UnknownSize { .. } => Some("size"),
            Self::TooManyTags => Some("tags"),
            Self::UnknownRegion { .. } => Some("region"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Clients match on codes and show the sentence at the field: none of them changes unseen.
    #[test]
    fn refusals_of_input_name_the_rule_and_the_field_and_say_what_to_do() {
        let size = SizeSlug::parse("gd-2vcpu-8gb").expect("a good slug");
        let region = RegionSlug::parse("blr1").expect("a good slug");
        let image = ImageSlug::parse("fedora-43-x64").expect("a good slug");
        for (rejection, code, field, sentence) in [
            (
                DropletRejection::AddressRequired,
                "ADDRESS_REQUIRED",
                "addresses",
                "a droplet of the platform needs an address to be active: report at least one",
            ),
            (
                DropletRejection::ImageTooLargeForDisk {
                    image: image.clone(),
                    min_disk_gib: 15,
                    disk_gib: 10,
                },
                "IMAGE_TOO_LARGE_FOR_DISK",
                "image",
                "the image fedora-43-x64 needs a disk of 15 GiB and the size has one of 10: choose \
                 a larger size or another image",
            ),
            (
                InvalidInput::NulCharacter { field: "reason" }.into(),
                "NUL_CHARACTER",
                "reason",
                "`reason` holds a NUL character: remove it",
            ),
            (
                DropletRejection::SizeNotInRegion {
                    size: size.clone(),
                    region: region.clone(),
                },
                "SIZE_NOT_IN_REGION",
                "size",
                "the size gd-2vcpu-8gb is not offered in blr1: choose a region of the catalogue that offers it",
            ),
            (
                DropletRejection::TooManyAddresses,
                "TOO_MANY_ADDRESSES",
                "addresses",
                "a droplet can have at most 16 addresses: report fewer",
            ),
            (
                DropletRejection::TooManyTags,
                "TOO_MANY_TAGS",
                "tags",
                "a droplet can have at most 64 tags: leave some out",
            ),
            (
                DropletRejection::UnknownImage { image },
                "UNKNOWN_IMAGE",
                "image",
                "there is no image fedora-43-x64: see the catalogue for those there are",
            ),
            (
                DropletRejection::UnknownRegion { region },
                "UNKNOWN_REGION",
                "region",
                "there is no region blr1: see the catalogue for those there are",
            ),
            (
                DropletRejection::UnknownSize { size },
                "UNKNOWN_SIZE",
                "size",
                "there is no size gd-2vcpu-8gb: see the catalogue for those there are",
            ),
        ] {
            assert_eq!(rejection.code(), code);
            assert_eq!(rejection.field(), Some(field), "{code}");
            assert_eq!(rejection.to_string(), sentence);
        }
    }
}
