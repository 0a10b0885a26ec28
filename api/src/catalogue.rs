//! The catalogue: the sizes, regions and images that can be ordered.

use domain::catalogue::{self, CATALOGUE_DATE};
use domain::slug::{ImageSlug, RegionSlug, SizeSlug};

use crate::graph::error::Result;
use crate::graph::execute::context::Context;
use crate::graph::execute::object::{Fields, Object};
use crate::identity::roles::Right;

/// Declares the query for the catalogue.
pub(crate) fn queries<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
    let description = "The sizes, regions and images that can be ordered.";
    fields
        .read("catalogue", description, current)
        .needs(Right::Query);
}

async fn current(_: Context, (): ()) -> Result<Catalogue> {
    Ok(Catalogue(catalogue::Catalogue::current()))
}

/// The catalogue of a date.
struct Catalogue(&'static catalogue::Catalogue);

impl Object for Catalogue {
    const NAME: &'static str = "Catalogue";
    const DESCRIPTION: &'static str =
        "The sizes, regions and images that can be ordered, as of a date.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.text(
            "date",
            "The date of the catalogue, such as `2026-11-01`, which is also its version.",
            |_| CATALOGUE_DATE,
        );
        fields.value("sizes", "All sizes of droplets.", |catalogue| {
            catalogue.0.sizes().iter().map(Size).collect::<Vec<_>>()
        });
        fields.value("regions", "All regions.", |catalogue| {
            catalogue.0.regions().iter().map(Region).collect::<Vec<_>>()
        });
        fields.value("images", "All images.", |catalogue| {
            catalogue.0.images().iter().map(Image).collect::<Vec<_>>()
        });
    }
}

/// A size of droplets.
pub(crate) struct Size(&'static catalogue::Size);

impl Size {
    /// Returns the size with this slug, if the catalogue has it.
    pub(crate) fn named(slug: &SizeSlug) -> Option<Self> {
        catalogue::Catalogue::current().size(slug).map(Self)
    }
}

impl Object for Size {
    const NAME: &'static str = "Size";
    const DESCRIPTION: &'static str = "A size of droplets, and its price.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.text("slug", "The name of the size in inputs.", |size| {
            size.0.slug.as_str()
        });
        fields.value("vcpus", "The number of virtual processors.", |size| {
            size.0.vcpus
        });
        fields.value("memoryMib", "The memory in MiB.", |size| size.0.memory_mib);
        fields.value("diskGib", "The disk in GiB.", |size| size.0.disk_gib);
        fields.value(
            "transferGib",
            "The outgoing traffic a month that the price includes, in GiB.",
            |size| size.0.transfer_gib,
        );
        fields.value(
            "priceMonthly",
            "The price of a month, which is the most that a month can cost.",
            |size| size.0.price_monthly,
        );
        fields.value("priceHourly", "The price of an hour.", |size| {
            size.0.price_hourly
        });
        fields.texts(
            "regions",
            "The slugs of the regions that offer the size.",
            |size| {
                size.0
                    .regions
                    .iter()
                    .map(|region| region.as_str())
                    .collect()
            },
        );
    }
}

/// A region in which droplets run.
pub(crate) struct Region(&'static catalogue::Region);

impl Region {
    /// Returns the region with this slug, if the catalogue has it.
    pub(crate) fn named(slug: &RegionSlug) -> Option<Self> {
        catalogue::Catalogue::current().region(slug).map(Self)
    }
}

impl Object for Region {
    const NAME: &'static str = "Region";
    const DESCRIPTION: &'static str = "A region in which droplets run.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.text("slug", "The name of the region in inputs.", |region| {
            region.0.slug.as_str()
        });
        fields.text(
            "name",
            "The name of the region for people, such as `New York 3`.",
            |region| &region.0.name,
        );
    }
}

/// The operating system that a droplet starts with.
pub(crate) struct Image(&'static catalogue::Image);

impl Image {
    /// Returns the image with this slug, if the catalogue has it.
    pub(crate) fn named(slug: &ImageSlug) -> Option<Self> {
        catalogue::Catalogue::current().image(slug).map(Self)
    }
}

impl Object for Image {
    const NAME: &'static str = "Image";
    const DESCRIPTION: &'static str = "The operating system that a droplet starts with.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.text("slug", "The name of the image in inputs.", |image| {
            image.0.slug.as_str()
        });
        fields.text(
            "name",
            "The distribution and release for people, such as `Ubuntu 24.04`.",
            |image| &image.0.name,
        );
        fields.value(
            "minDiskGib",
            "The smallest disk on which the image fits, in GiB.",
            |image| image.0.min_disk_gib,
        );
    }
}
