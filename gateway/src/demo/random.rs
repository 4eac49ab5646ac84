//! A small generator with a fixed seed (splitmix64), so that the demo company is the same everywhere.

pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    /// From 0 to `bound` − 1.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u64;
        usize::try_from(self.next() % bound).unwrap_or(0)
    }
    /// From `low` to `high`, both included.
    pub(super) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }
    pub(super) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
    /// Like [`Self::below`], small numbers far more often: a few customers buy most.
    pub(super) fn skewed(&mut self, bound: usize) -> usize {
        let (first, second) = (self.below(bound), self.below(bound));
        first * second / bound.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let (mut first, mut second) = (Random::new(7), Random::new(7));
        let numbers: Vec<usize> = (0..50).map(|_| first.between(3, 9)).collect();
        assert!(numbers.iter().all(|number| (3..=9).contains(number)));
        assert_eq!(numbers, (0..50).map(|_| second.between(3, 9)).collect::<Vec<_>>());
        assert!((0..1_000).all(|_| first.skewed(20) < 20));
    }
}
