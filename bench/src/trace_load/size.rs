//! The choice of a size for a task's request.

use std::cmp::Reverse;

/// A size of the platform's catalogue, with the properties that the choice needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) slug: String,
    pub(super) vcpus: u32,
    pub(super) memory_mib: u32,
    /// The price of a month, in millionths of a dollar.
    pub(super) price: i64,
}

/// The cheapest size that satisfies the request; of equally cheap ones the first by slug. If none does, the
/// size with the most memory; of several the cheapest, then the first by slug. `None` only if there are no
/// sizes.
pub(super) fn choose(sizes: &[Size], cpu_milli: u32, memory_mib: u32) -> Option<&Size> {
    let fits = |size: &&Size| {
        u64::from(size.vcpus) * 1_000 >= u64::from(cpu_milli) && size.memory_mib >= memory_mib
    };
    let cheapest = sizes
        .iter()
        .filter(fits)
        .min_by_key(|size| (size.price, &size.slug));
    cheapest.or_else(|| {
        sizes
            .iter()
            .min_by_key(|size| (Reverse(size.memory_mib), size.price, &size.slug))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(slug: &str, vcpus: u32, memory_mib: u32, price: i64) -> Size {
        Size {
            slug: slug.to_owned(),
            vcpus,
            memory_mib,
            price,
        }
    }

    fn chosen(cpu_milli: u32, memory_mib: u32) -> String {
        let sizes = [
            size("huge-dear", 4, 9_000, 90),
            size("b", 2, 4_000, 20),
            size("small", 1, 1_000, 5),
            size("a", 2, 4_000, 20),
            size("huge", 2, 9_000, 40),
            size("many", 8, 2_000, 60),
        ];
        choose(&sizes, cpu_milli, memory_mib)
            .expect("there are sizes")
            .slug
            .clone()
    }

    #[test]
    fn the_cheapest_that_fits_is_taken() {
        assert_eq!(chosen(1_000, 1_000), "small");
        assert_eq!(chosen(4_000, 1_000), "many");
        assert_eq!(chosen(0, 0), "small");
        assert_eq!(chosen(4_000, 4_000), "huge-dear");
    }

    #[test]
    fn one_too_many_of_anything_does_not_fit() {
        assert_eq!(chosen(1_001, 1_000), "a", "and of equals the first by slug");
        assert_eq!(chosen(1_000, 1_001), "a");
        assert_eq!(chosen(2_000, 4_001), "huge");
    }

    #[test]
    fn when_nothing_fits_the_most_memory_is_taken_and_the_lowest_price() {
        assert_eq!(chosen(9_000, 1), "huge");
        assert_eq!(chosen(1, 10_000), "huge");
        assert_eq!(chosen(u32::MAX, u32::MAX), "huge");
    }

    #[test]
    fn without_sizes_there_is_no_choice() {
        assert_eq!(choose(&[], 1, 1), None);
    }
}
