//! The fields of `Counts` about droplets.

use domain::droplet::DropletStatus;
use projections::counts::query::OrgCounts;
use projections::droplets;

use super::DropletRow;
use crate::graph::execute::object::{Fields, Object};
use crate::graph::status_count::StatusCount;

/// Declares the fields of `Counts` about droplets.
pub(super) fn counts(fields: &mut Fields<'_, OrgCounts>) {
    fields.value(
        "dropletsByStatus",
        "The number of droplets in each status, including deleted droplets. Each status occurs \
         once.",
        |counts| {
            let count =
                |status: DropletStatus| counts.of(droplets::counted::BY_STATUS, status.as_str());
            StatusCount::<DropletRow, super::status::DropletStatus>::each(DropletStatus::ALL, count)
        },
    );
    fields.value(
        "dropletsBySize",
        "The number of living droplets (requested, active, deleting) of each size. Sizes without \
         any are omitted.",
        |counts| {
            let found = counts.by(droplets::counted::BY_SIZE);
            let found = found.map(|(size, count)| SizeCount {
                size: size.to_owned(),
                count,
            });
            found.collect::<Vec<_>>()
        },
    );
    fields.value(
        "dropletsByRegion",
        "The number of living droplets (requested, active, deleting) in each region. Regions \
         without any are omitted.",
        |counts| {
            let found = counts.by(droplets::counted::BY_REGION);
            let found = found.map(|(region, count)| RegionCount {
                region: region.to_owned(),
                count,
            });
            found.collect::<Vec<_>>()
        },
    );
}

/// The number of living droplets of a size.
struct SizeCount {
    /// The slug of the size.
    size: String,
    /// The number of living droplets of this size.
    count: i64,
}

/// The number of living droplets in a region.
struct RegionCount {
    /// The slug of the region.
    region: String,
    /// The number of living droplets in this region.
    count: i64,
}

impl Object for SizeCount {
    const NAME: &'static str = "SizeCount";
    const DESCRIPTION: &'static str = "The number of living droplets of a size.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.text("size", "The slug of the size.", |count| &count.size);
        fields.value(
            "count",
            "The number of living droplets of this size.",
            |count| count.count,
        );
    }
}

impl Object for RegionCount {
    const NAME: &'static str = "RegionCount";
    const DESCRIPTION: &'static str = "The number of living droplets in a region.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.text("region", "The slug of the region.", |count| &count.region);
        fields.value(
            "count",
            "The number of living droplets in this region.",
            |count| count.count,
        );
    }
}
