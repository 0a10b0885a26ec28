//! The GraphQL type `Droplet`.

use domain::droplet::Protection;

use super::DropletRow;
use super::provisioner::Provisioner;
use super::status::DropletStatus;
use crate::catalogue::{Image, Region, Size};
use crate::graph::execute::object::{Fields, Object};
use crate::graph::global_id::GlobalId;
use crate::graph::scalars::{BigInt, Time};

impl Object for DropletRow {
    const NAME: &'static str = "Droplet";
    const DESCRIPTION: &'static str =
        "A virtual machine, from its request to its deletion. A deleted droplet stays readable.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value(
            "id",
            "The id of the droplet, which never changes.",
            |droplet| GlobalId::of(droplet.id),
        );
        state(fields);
    }
}

/// Declares the fields of a droplet that are part of its row, without the id.
pub(super) fn state(fields: &mut Fields<'_, DropletRow>) {
    fields.text(
        "name",
        "The name of the droplet, unique among the organization's living droplets. A droplet that \
         no longer lives keeps its last name.",
        |droplet| droplet.name.as_str(),
    );
    fields.value("status", "The status of the droplet.", |droplet| {
        DropletStatus::from(droplet.status)
    });
    fields
        .text("sizeSlug", "The slug of the droplet's size.", |droplet| {
            droplet.size.as_str()
        })
        .columns(&["size"]);
    fields.value(
        "size",
        "The size as the catalogue has it now; null if the catalogue does not have it any more.",
        |droplet| Size::named(&droplet.size),
    );
    fields
        .text(
            "regionSlug",
            "The slug of the region where the droplet runs.",
            |droplet| droplet.region.as_str(),
        )
        .columns(&["region"]);
    fields.value(
        "region",
        "The region as the catalogue has it now; null if the catalogue does not have it any more.",
        |droplet| Region::named(&droplet.region),
    );
    fields
        .text(
            "imageSlug",
            "The slug of the image that the droplet started with.",
            |droplet| droplet.image.as_str(),
        )
        .columns(&["image"]);
    fields.value(
        "image",
        "The image as the catalogue has it now; null if the catalogue does not have it any more.",
        |droplet| Image::named(&droplet.image),
    );
    fields.texts("tags", "The tags of the droplet, sorted.", |droplet| {
        droplet.tags.iter().map(|tag| tag.as_str()).collect()
    });
    fields.value(
        "clusterId",
        "The id of the cluster to which the droplet belongs, if any.",
        |droplet| droplet.cluster.map(GlobalId::of),
    );
    fields.optional_text(
        "clusterLabel",
        "The cluster label of a droplet that was requested before droplets belonged to clusters \
         by id.",
        |droplet| droplet.cluster_label.as_ref().map(|label| label.as_str()),
    ).columns(&["cluster"]);
    fields.value(
        "provisioner",
        "The party that creates and removes the droplet's machine.",
        |droplet| Provisioner::from(droplet.provisioner),
    );
    fields
        .value(
            "protected",
            "True if the droplet is protected from deletion.",
            |droplet| match droplet.protection {
                Protection::Protected => true,
                Protection::Unprotected => false,
            },
        )
        .columns(&["protection"]);
    fields.value("vcpus", "The number of virtual processors.", |droplet| {
        droplet.vcpus
    });
    fields.value("memoryMib", "The memory in MiB.", |droplet| {
        droplet.memory_mib
    });
    fields.value("diskGib", "The disk in GiB.", |droplet| droplet.disk_gib);
    fields
        .value(
            "priceHourly",
            "The price of an hour, as of the droplet's request.",
            |droplet| droplet.price_hourly,
        )
        .columns(&["price_hourly_micros"]);
    fields
        .value(
            "priceMonthly",
            "The price of a month, as of the droplet's request.",
            |droplet| droplet.price_monthly,
        )
        .columns(&["price_monthly_micros"]);
    fields.part(
        "addresses",
        "The addresses at which the droplet can be reached. Empty unless the droplet is active.",
        |droplet| &droplet.addresses,
    );
    fields.optional_text(
        "failureReason",
        "The reason why the machine could not be created, if the droplet failed.",
        |droplet| droplet.failure_reason.as_deref(),
    );
    fields.value(
        "version",
        "The number of the droplet's events, which grows with every change.",
        |droplet| BigInt(droplet.version.0),
    );
    fields.value(
        "createdAt",
        "The time of the droplet's request.",
        |droplet| Time(droplet.created_at),
    );
    fields.value("updatedAt", "The time of the last change.", |droplet| {
        Time(droplet.updated_at)
    });
    fields.value(
        "recordedAt",
        "The time at which the platform recorded the last change. Differs from `updatedAt` if an \
         agent reported an earlier event.",
        |droplet| Time(droplet.recorded_at),
    );
}
