//! Random numbers that are cheap and need not be good: SplitMix64.

/// A sequence of numbers, the same for the same seed.
pub(super) struct Random(u64);

impl Random {
    /// Starts a sequence.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below the bound, which is not 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        // The high half of the product, which is below the bound.
        let product = u128::from(bits) * bound as u128;
        usize::try_from(product >> 64).expect("it is below a usize")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_below_the_bound_and_differ() {
        let mut random = Random::new(1);
        let numbers: Vec<_> = (0..1_000).map(|_| random.below(10)).collect();
        for number in 0..10 {
            assert!(numbers.contains(&number));
        }
        assert!(numbers.iter().all(|number| *number < 10));
    }
}
