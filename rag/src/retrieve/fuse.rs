//! Reciprocal rank fusion: several rankings become one, by places alone. Scores of different engines cannot be compared.

use std::collections::HashMap;
use std::hash::Hash;

/// The classic constant: how much a first place counts against a tenth.
const K: f64 = 60.0;

/// Best first; what counts the same comes in its own order. Each list names a thing once, at the place of its best mention.
pub(super) fn fuse<T: Ord + Hash + Clone>(lists: &[Vec<T>]) -> Vec<T> {
    let mut scores: HashMap<&T, f64> = HashMap::new();
    for list in lists {
        for (place, thing) in list.iter().enumerate() {
            *scores.entry(thing).or_default() += share(place);
        }
    }
    let mut fused: Vec<(&T, f64)> = scores.into_iter().collect();
    fused.sort_by(|(one, high), (other, low)| low.total_cmp(high).then_with(|| one.cmp(other)));
    fused.into_iter().map(|(thing, _)| thing.clone()).collect()
}

/// What a place counts; the first is 0.
#[expect(clippy::cast_precision_loss, reason = "places are few")]
fn share(place: usize) -> f64 {
    1.0 / (K + 1.0 + place as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_figures_are_those_of_the_formula() {
        // By words a, b, c; by meaning c, a, d.
        //   a: 1/61 + 1/62 = 0.032522   c: 1/63 + 1/61 = 0.032266   b: 1/62 = 0.016129   d: 1/63 = 0.015873
        assert_eq!(fuse(&[vec!["a", "b", "c"], vec!["c", "a", "d"]]), ["a", "c", "b", "d"]);
        assert!((share(0) + share(1) - 0.032_522).abs() < 1e-6);
        assert!((share(2) + share(0) - 0.032_266).abs() < 1e-6);
        // Two tenth places beat one first place: 2/70 > 1/61. Two seventieth ones do not: 2/130 < 1/61.
        assert!(2.0 * share(9) > share(0));
        assert!(2.0 * share(69) < share(0));
    }

    #[test]
    fn equal_scores_come_in_the_order_of_the_keys() {
        assert_eq!(fuse(&[vec!["b", "a"], vec!["a", "b"]]), ["a", "b"]);
        assert_eq!(fuse(&[vec!["z"], vec!["m"], vec!["c"]]), ["c", "m", "z"]);
        assert_eq!(fuse::<u8>(&[vec![], vec![]]), Vec::<u8>::new());
    }

    proptest! {
        #[test]
        fn one_list_keeps_its_order(list in proptest::collection::hash_set(0_u32..10_000, 0..200)) {
            let list: Vec<u32> = list.into_iter().collect();
            prop_assert_eq!(fuse(std::slice::from_ref(&list)), list);
        }
    }
}
