//! Why a droplet refuses a command.

use thiserror::Error;

use super::{MAX_ADDRESSES, MAX_TAGS};
use crate::{
    decider::Rejection,
    input::InvalidInput,
    slug::{ImageSlug, RegionSlug, SizeSlug},
};

/// The rule of droplets that a command would break.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DropletRejection {
    /// A platform droplet was reported active without an address.
    #[error("a droplet of the platform needs an address to be active: report at least one")]
    AddressRequired,
    /// It was already reported active.
    #[error("the droplet is already active: its provisioning cannot be reported on again")]
    DropletAlreadyActive,
    /// A droplet with this id was already requested.
    #[error("this droplet was already requested: use another id for another droplet")]
    DropletAlreadyExists,
    /// Its deletion was requested, so that nothing else may happen to it.
    #[error("the droplet is being deleted: only the end of its deletion can still be reported")]
    DropletBeingDeleted,
    /// It is gone.
    #[error("the droplet is deleted: provision another one")]
    DropletDeleted,
    /// It could not be made.
    #[error("the droplet could not be provisioned: provision another one")]
    DropletFailed,
    /// It was reported deleted though nobody asked for that.
    #[error("the droplet is not being deleted: request its deletion first")]
    DropletNotBeingDeleted,
    /// There is none with this id.
    #[error("there is no such droplet: check its id")]
    DropletNotFound,
    /// It is protected against deletion.
    #[error("the droplet is protected against deletion: unprotect it first")]
    DropletProtected,
    /// The image needs a larger disk than the size has.
    #[error(
        "the image {image} needs a disk of {min_disk_gib} GiB and the size has one of {disk_gib}: \
         choose a larger size or another image"
    )]
    ImageTooLargeForDisk {
        /// The image asked for.
        image: ImageSlug,
        /// The disk that it needs, in GiB.
        min_disk_gib: u32,
        /// The disk of the size asked for, in GiB.
        disk_gib: u32,
    },
    /// A text is beyond its limits.
    #[error(transparent)]
    InvalidInput(#[from] InvalidInput),
    /// The region does not offer the size.
    #[error("the size {size} is not offered in {region}: see the catalogue for regions that do")]
    SizeNotInRegion {
        /// The size asked for.
        size: SizeSlug,
        /// The region asked for.
        region: RegionSlug,
    },
    /// More than [`MAX_ADDRESSES`] addresses were reported.
    #[error("a droplet can have at most {MAX_ADDRESSES} addresses: report fewer")]
    TooManyAddresses,
    /// It would have more than [`MAX_TAGS`] tags.
    #[error("a droplet can have at most {MAX_TAGS} tags: leave some out")]
    TooManyTags,
    /// The catalogue does not have the image.
    #[error("there is no image {image}: see the catalogue for those there are")]
    UnknownImage {
        /// The image asked for.
        image: ImageSlug,
    },
    /// The catalogue does not have the region.
    #[error("there is no region {region}: see the catalogue for those there are")]
    UnknownRegion {
        /// The region asked for.
        region: RegionSlug,
    },
    /// The catalogue does not have the size.
    #[error("there is no size {size}: see the catalogue for those there are")]
    UnknownSize {
        /// The size asked for.
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
            | Self::DropletNotFound
            | Self::DropletProtected => None,
            Self::ImageTooLargeForDisk { .. } | Self::UnknownImage { .. } => Some("image"),
            Self::InvalidInput(input) => Some(input.field()),
            Self::SizeNotInRegion { .. } | Self::UnknownSize { .. } => Some("size"),
            Self::TooManyTags => Some("tags"),
            Self::UnknownRegion { .. } => Some("region"),
        }
    }
}
