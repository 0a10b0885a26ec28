//! The GraphQL type `Catalogue`: the sizes, regions and images that can be ordered.

use async_graphql::{Object, SimpleObject};
use domain::catalogue::{self, CATALOGUE_DATE};

use crate::graph::guard::Needs;
use crate::graph::money::Money;
use crate::identity::roles::Right;

/// Queries about the catalogue.
#[derive(Debug, Default)]
pub(crate) struct CatalogueQueries;

#[Object]
impl CatalogueQueries {
    /// The sizes, regions and images that can be ordered.
    #[graphql(guard = "Needs(Right::Query)")]
    async fn catalogue(&self) -> Catalogue {
        Catalogue(catalogue::Catalogue::current())
    }
}

/// The catalogue of a date.
pub(crate) struct Catalogue(pub(crate) &'static catalogue::Catalogue);

/// The sizes, regions and images that can be ordered, as of a date.
#[Object]
impl Catalogue {
    /// The date of the catalogue, such as `2026-11-01`, which is also its version.
    async fn date(&self) -> &'static str {
        CATALOGUE_DATE
    }

    /// All sizes of droplets.
    async fn sizes(&self) -> Vec<Size> {
        self.0.sizes().iter().map(Size::from).collect()
    }

    /// All regions.
    async fn regions(&self) -> Vec<Region> {
        self.0.regions().iter().map(Region::from).collect()
    }

    /// All images.
    async fn images(&self) -> Vec<Image> {
        self.0.images().iter().map(Image::from).collect()
    }
}

/// A size of droplets, and its price.
#[derive(SimpleObject)]
struct Size {
    /// The name of the size in inputs.
    slug: &'static str,
    /// The number of virtual processors.
    vcpus: u32,
    /// The memory in MiB.
    memory_mib: u32,
    /// The disk in GiB.
    disk_gib: u32,
    /// The outgoing traffic a month that the price includes, in GiB.
    transfer_gib: u32,
    /// The price of a month, which is the most that a month can cost.
    price_monthly: Money,
    /// The price of an hour.
    price_hourly: Money,
    /// The slugs of the regions that offer the size.
    regions: Vec<&'static str>,
}

impl From<&'static catalogue::Size> for Size {
    fn from(size: &'static catalogue::Size) -> Self {
        Self {
            slug: size.slug.as_str(),
            vcpus: size.vcpus,
            memory_mib: size.memory_mib,
            disk_gib: size.disk_gib,
            transfer_gib: size.transfer_gib,
            price_monthly: size.price_monthly.into(),
            price_hourly: size.price_hourly.into(),
            regions: size.regions.iter().map(|region| region.as_str()).collect(),
        }
    }
}

/// A region in which droplets run.
#[derive(SimpleObject)]
struct Region {
    /// The name of the region in inputs.
    slug: &'static str,
    /// The name of the region for people, such as `New York 3`.
    name: &'static str,
}

impl From<&'static catalogue::Region> for Region {
    fn from(region: &'static catalogue::Region) -> Self {
        Self {
            slug: region.slug.as_str(),
            name: &region.name,
        }
    }
}

/// The operating system that a droplet starts with.
#[derive(SimpleObject)]
struct Image {
    /// The name of the image in inputs.
    slug: &'static str,
    /// The distribution and release for people, such as `Ubuntu 24.04`.
    name: &'static str,
    /// The smallest disk on which the image fits, in GiB.
    min_disk_gib: u32,
}

impl From<&'static catalogue::Image> for Image {
    fn from(image: &'static catalogue::Image) -> Self {
        Self {
            slug: image.slug.as_str(),
            name: &image.name,
            min_disk_gib: image.min_disk_gib,
        }
    }
}
