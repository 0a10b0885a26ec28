//! Slugs of the catalogue's sizes, regions and images.
//!
//! A slug obeys a form. Only [`Catalogue`](crate::catalogue) decides if the catalogue has the slug, because
//! the catalogue changes and stored events do not.

use crate::checked::{checked_string, is_slug};

checked_string! {
    /// Names an operating system image, such as `ubuntu-24-04-x64`.
    pub struct ImageSlug, error InvalidImageSlug;
    is "the slug of an image";
    rule "1 to 63 lower-case letters, digits, hyphens and underscores, beginning and ending with a letter or digit";
    check is_catalogue_slug;
}

checked_string! {
    /// Names a region, such as `nyc3`.
    pub struct RegionSlug, error InvalidRegionSlug;
    is "the slug of a region";
    rule "1 to 63 lower-case letters, digits, hyphens and underscores, beginning and ending with a letter or digit";
    check is_catalogue_slug;
}

checked_string! {
    /// Names a size, such as `s-1vcpu-1gb`.
    pub struct SizeSlug, error InvalidSizeSlug;
    is "the slug of a size";
    rule "1 to 63 lower-case letters, digits, hyphens and underscores, beginning and ending with a letter or digit";
    check is_catalogue_slug;
}

fn is_catalogue_slug(text: &str) -> bool {
    is_slug(text, 63, b"-_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_of_the_provider_are_taken() {
        for good in ["s-1vcpu-512mb-10gb", "so1_5-2vcpu-16gb", "c-2"] {
            assert_eq!(SizeSlug::parse(good).expect("a good slug").as_str(), good);
        }
        assert!(RegionSlug::parse("nyc3").is_ok());
        assert!(ImageSlug::parse("centos-stream-10-x64").is_ok());
    }

    #[test]
    fn other_texts_are_not() {
        for bad in [
            "",
            "NYC3",
            "nyc3 ",
            "-nyc3",
            "nyc3_",
            "nyc/3",
            &"a".repeat(64),
        ] {
            assert!(RegionSlug::parse(bad).is_err(), "{bad:?} was taken");
        }
    }
}
