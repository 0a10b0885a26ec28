//! The catalogue of sizes, regions and images that can be ordered, as of a date.
//!
//! The tables are the CSV files beside this crate, and part of the program. The request event of a droplet
//! copies its offer from the catalogue, with the date. So a later catalogue changes neither history nor old
//! bills.

use std::fmt::Debug;
use std::str::FromStr;
use std::sync::LazyLock;

use thiserror::Error;

use crate::money::MicroDollars;
use crate::slug::{ImageSlug, RegionSlug, SizeSlug};

/// The date of the catalogue, which is also its version. Change the date with the tables.
pub const CATALOGUE_DATE: &str = "2026-11-01";

/// A size: the resources of a droplet, and their price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    /// The name of the size in requests.
    pub slug: SizeSlug,
    /// Virtual processors.
    pub vcpus: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// Disk in GiB.
    pub disk_gib: u32,
    /// Outgoing traffic a month that the price includes, in GiB.
    pub transfer_gib: u32,
    /// The price of a month: the most that a month can cost.
    pub price_monthly: MicroDollars,
    /// The price of an hour.
    pub price_hourly: MicroDollars,
    /// The regions that offer the size, in the catalogue's order.
    pub regions: Vec<RegionSlug>,
}

impl Size {
    /// Returns true if the region offers this size.
    #[must_use]
    pub fn is_offered_in(&self, region: &RegionSlug) -> bool {
        self.regions.contains(region)
    }
}

/// A region: a location of droplets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// The name of the region in requests.
    pub slug: RegionSlug,
    /// The name of the region for people, such as "New York 3".
    pub name: String,
}

/// An image: the initial operating system of a droplet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The name of the image in requests.
    pub slug: ImageSlug,
    /// The distribution and release of the image for people, such as "Ubuntu 24.04".
    pub name: String,
    /// The smallest disk that the image fits on, in GiB.
    pub min_disk_gib: u32,
}

/// All sizes, regions and images that can be ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    sizes: Vec<Size>,
    regions: Vec<Region>,
    images: Vec<Image>,
}

impl Catalogue {
    /// Returns the catalogue of [`CATALOGUE_DATE`].
    #[must_use]
    pub fn current() -> &'static Self {
        static CURRENT: LazyLock<Catalogue> = LazyLock::new(|| {
            Catalogue::parse(
                include_str!("../catalogue/sizes.csv"),
                include_str!("../catalogue/regions.csv"),
                include_str!("../catalogue/images.csv"),
            )
            .expect("the catalogue's files are part of the program and tested with it")
        });
        &CURRENT
    }

    /// Returns all sizes, smallest first within a family.
    #[must_use]
    pub fn sizes(&self) -> &[Size] {
        &self.sizes
    }

    /// Returns all regions.
    #[must_use]
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Returns all images.
    #[must_use]
    pub fn images(&self) -> &[Image] {
        &self.images
    }

    /// Returns the size of this slug, if there is one.
    #[must_use]
    pub fn size(&self, slug: &SizeSlug) -> Option<&Size> {
        self.sizes.iter().find(|size| size.slug == *slug)
    }

    /// Returns the region of this slug, if there is one.
    #[must_use]
    pub fn region(&self, slug: &RegionSlug) -> Option<&Region> {
        self.regions.iter().find(|region| region.slug == *slug)
    }

    /// Returns the image of this slug, if there is one.
    #[must_use]
    pub fn image(&self, slug: &ImageSlug) -> Option<&Image> {
        self.images.iter().find(|image| image.slug == *slug)
    }

    fn parse(sizes: &str, regions: &str, images: &str) -> Result<Self, InvalidTable> {
        Ok(Self {
            sizes: rows(sizes, SIZE_COLUMNS, size)?,
            regions: rows(regions, REGION_COLUMNS, region)?,
            images: rows(images, IMAGE_COLUMNS, image)?,
        })
    }
}

const SIZE_COLUMNS: [&str; 8] = [
    "slug",
    "vcpus",
    "memory_mib",
    "disk_gib",
    "transfer_gib",
    "price_monthly",
    "price_hourly",
    "regions",
];
const REGION_COLUMNS: [&str; 2] = ["slug", "name"];
const IMAGE_COLUMNS: [&str; 3] = ["slug", "name", "min_disk_gib"];

/// The reason why a table of the catalogue cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
enum InvalidTable {
    #[error("line {line} must name the columns {columns:?}")]
    Header {
        line: usize,
        columns: Vec<&'static str>,
    },
    #[error("line {line} must have {expected} columns")]
    Width { line: usize, expected: usize },
    #[error("line {line}: {reason}")]
    Value { line: usize, reason: String },
}

/// Returns the rows of a table: plain values between commas, without quotes. Lines that begin with `#` are
/// comments. The first other line names the columns, so that a moved column is noticed.
fn rows<const COLUMNS: usize, Row>(
    table: &str,
    columns: [&'static str; COLUMNS],
    row: fn([&str; COLUMNS]) -> Result<Row, String>,
) -> Result<Vec<Row>, InvalidTable> {
    let mut lines = (1..)
        .zip(table.lines())
        .filter(|(_, line)| !line.starts_with('#'));
    let (line, header) = lines.next().unwrap_or((1, ""));
    if header.split(',').ne(columns) {
        return Err(InvalidTable::Header {
            line,
            columns: columns.to_vec(),
        });
    }
    lines
        .map(|(line, text)| {
            let values: Vec<&str> = text.split(',').collect();
            let values = <[&str; COLUMNS]>::try_from(values).map_err(|_| InvalidTable::Width {
                line,
                expected: COLUMNS,
            })?;
            row(values).map_err(|reason| InvalidTable::Value { line, reason })
        })
        .collect()
}

fn size(values: [&str; 8]) -> Result<Size, String> {
    let [
        slug,
        vcpus,
        memory_mib,
        disk_gib,
        transfer_gib,
        price_monthly,
        price_hourly,
        regions,
    ] = values;
    Ok(Size {
        slug: value(slug)?,
        vcpus: value(vcpus)?,
        memory_mib: value(memory_mib)?,
        disk_gib: value(disk_gib)?,
        transfer_gib: value(transfer_gib)?,
        price_monthly: value(price_monthly)?,
        price_hourly: value(price_hourly)?,
        regions: regions.split(' ').map(value).collect::<Result<_, _>>()?,
    })
}

fn region([slug, name]: [&str; 2]) -> Result<Region, String> {
    Ok(Region {
        slug: value(slug)?,
        name: name.to_owned(),
    })
}

fn image([slug, name, min_disk_gib]: [&str; 3]) -> Result<Image, String> {
    Ok(Image {
        slug: value(slug)?,
        name: name.to_owned(),
        min_disk_gib: value(min_disk_gib)?,
    })
}

fn value<Value: FromStr<Err: ToString>>(text: &str) -> Result<Value, String> {
    text.parse()
        .map_err(|error: Value::Err| format!("{text:?}: {}", error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn slug<Slug: FromStr<Err: Debug>>(text: &str) -> Slug {
        text.parse().expect("a good slug")
    }

    #[test]
    fn it_holds_the_sizes_regions_and_images_of_its_date() {
        let catalogue = Catalogue::current();
        assert_eq!(catalogue.sizes().len(), 12);
        assert_eq!(catalogue.regions().len(), 11);
        assert_eq!(catalogue.images().len(), 9);
    }

    #[test]
    fn slugs_are_unique() {
        let catalogue = Catalogue::current();
        let sizes: BTreeSet<_> = catalogue.sizes().iter().map(|size| &size.slug).collect();
        let regions: BTreeSet<_> = catalogue
            .regions()
            .iter()
            .map(|region| &region.slug)
            .collect();
        let images: BTreeSet<_> = catalogue.images().iter().map(|image| &image.slug).collect();
        assert_eq!(sizes.len(), catalogue.sizes().len());
        assert_eq!(regions.len(), catalogue.regions().len());
        assert_eq!(images.len(), catalogue.images().len());
    }

    #[test]
    fn every_size_is_offered_in_nyc3_and_only_in_regions_there_are() {
        let catalogue = Catalogue::current();
        for size in catalogue.sizes() {
            assert!(size.is_offered_in(&slug("nyc3")), "{}", size.slug);
            for region in &size.regions {
                assert!(
                    catalogue.region(region).is_some(),
                    "{} in {region}",
                    size.slug
                );
            }
            let distinct: BTreeSet<_> = size.regions.iter().collect();
            assert_eq!(distinct.len(), size.regions.len(), "{}", size.slug);
        }
    }

    #[test]
    fn every_region_offers_the_smallest_size_but_not_every_size() {
        let catalogue = Catalogue::current();
        let smallest = catalogue
            .size(&slug("s-1vcpu-512mb-10gb"))
            .expect("it is offered");
        assert!(
            catalogue
                .regions()
                .iter()
                .all(|region| smallest.is_offered_in(&region.slug))
        );
        let memory = catalogue
            .size(&slug("m-2vcpu-16gb"))
            .expect("it is offered");
        assert!(!memory.is_offered_in(&slug("tor1")));
    }

    #[test]
    fn an_hour_is_a_672th_of_a_month() {
        for size in Catalogue::current().sizes() {
            let difference = size.price_hourly.micros() * 672 - size.price_monthly.micros();
            // Hourly prices are rounded to 10 millionths of a dollar.
            assert!(
                difference.abs() <= 5 * 672,
                "{} is off by {difference}",
                size.slug
            );
        }
    }

    #[test]
    fn some_image_does_not_fit_the_smallest_disk() {
        let catalogue = Catalogue::current();
        let disk = catalogue
            .sizes()
            .iter()
            .map(|size| size.disk_gib)
            .min()
            .expect("sizes");
        let fits = |image: &str| {
            catalogue
                .image(&slug(image))
                .expect("it is offered")
                .min_disk_gib
                <= disk
        };
        assert!(fits("ubuntu-24-04-x64"));
        assert!(!fits("fedora-43-x64"));
    }

    #[test]
    fn a_size_has_every_value_of_its_line() {
        let size = Catalogue::current()
            .size(&slug("s-1vcpu-512mb-10gb"))
            .expect("it is offered");
        assert_eq!(
            (
                size.vcpus,
                size.memory_mib,
                size.disk_gib,
                size.transfer_gib
            ),
            (1, 512, 10, 512)
        );
        assert_eq!(size.price_monthly.to_string(), "$4.00");
        assert_eq!(size.price_hourly.to_string(), "$0.00595");
    }

    #[test]
    fn the_files_carry_the_date() {
        for file in [
            include_str!("../catalogue/sizes.csv"),
            include_str!("../catalogue/regions.csv"),
            include_str!("../catalogue/images.csv"),
        ] {
            let first = file.lines().next().expect("a first line");
            assert!(first.contains(CATALOGUE_DATE), "{first}");
        }
    }

    #[test]
    fn a_table_with_a_mistake_names_the_line() {
        let parse = |regions| Catalogue::parse(SIZES, regions, IMAGES);
        const SIZES: &str =
            "slug,vcpus,memory_mib,disk_gib,transfer_gib,price_monthly,price_hourly,regions";
        const IMAGES: &str = "slug,name,min_disk_gib";
        assert!(parse("slug,name\nnyc3,New York 3").is_ok());
        assert_eq!(
            parse("name,slug"),
            Err(InvalidTable::Header {
                line: 1,
                columns: vec!["slug", "name"]
            })
        );
        assert_eq!(
            parse("# Regions\nslug,name\nnyc3"),
            Err(InvalidTable::Width {
                line: 3,
                expected: 2
            })
        );
        assert!(matches!(
            parse("slug,name\nNYC3,New York 3"),
            Err(InvalidTable::Value { line: 2, .. })
        ));
    }
}
