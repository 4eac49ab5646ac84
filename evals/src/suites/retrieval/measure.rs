//! Measures of a ranking against judgements, as the literature defines them.

use std::collections::{BTreeMap, BTreeSet};

/// Grades of documents for one query; what is not judged is not relevant.
pub(super) type Judged = BTreeMap<String, f64>;

/// The discounted gain of the first `depth` places over that of the best possible order. Gains are the grades themselves,
/// discounts log2(place + 1), as in trec_eval. `None` where nothing is relevant.
pub(super) fn ndcg(ranking: &[String], judged: &Judged, depth: usize) -> Option<f64> {
    let mut best: Vec<f64> = judged.values().copied().filter(|grade| *grade > 0.0).collect();
    if best.is_empty() {
        return None;
    }
    best.sort_by(|one, other| other.total_cmp(one));
    let gains = distinct(ranking).take(depth).map(|id| judged.get(id).copied().unwrap_or(0.0).max(0.0));
    Some(discounted(gains) / discounted(best.into_iter().take(depth)))
}

/// The share of the relevant documents that stand in the first `depth` places.
pub(super) fn recall(ranking: &[String], judged: &Judged, depth: usize) -> Option<f64> {
    let relevant = judged.values().filter(|grade| **grade > 0.0).count();
    let found = distinct(ranking).take(depth).filter(|id| judged.get(*id).is_some_and(|grade| *grade > 0.0)).count();
    (relevant > 0).then(|| found as f64 / relevant as f64)
}

/// One over the place of the first relevant document.
pub(super) fn reciprocal_rank(ranking: &[String], judged: &Judged, depth: usize) -> Option<f64> {
    judged.values().any(|grade| *grade > 0.0).then(|| {
        let place = distinct(ranking).take(depth).position(|id| judged.get(id).is_some_and(|grade| *grade > 0.0));
        place.map_or(0.0, |place| 1.0 / (place as f64 + 1.0))
    })
}

pub(super) fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, count) = values.into_iter().fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}

/// A document counts at its first place only.
fn distinct(ranking: &[String]) -> impl Iterator<Item = &String> {
    let mut seen = BTreeSet::new();
    ranking.iter().filter(move |id| seen.insert(*id))
}

fn discounted(gains: impl Iterator<Item = f64>) -> f64 {
    gains.enumerate().map(|(at, gain)| gain / (at as f64 + 2.0).log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn judged(grades: &[(&str, f64)]) -> Judged {
        grades.iter().map(|(id, grade)| ((*id).to_owned(), *grade)).collect()
    }

    fn close(value: Option<f64>, wanted: f64) {
        assert!((value.unwrap() - wanted).abs() < 1e-9, "{value:?} is not {wanted}");
    }

    #[test]
    fn ndcg_is_what_one_computes_by_hand() {
        let grades = judged(&[("a", 3.0), ("b", 2.0), ("c", 1.0)]);
        close(ndcg(&ids("a b c"), &grades, 10), 1.0);
        // 2/log2(2) + 0 + 3/log2(4) over 3/log2(2) + 2/log2(3) + 1/log2(4).
        close(ndcg(&ids("b x a"), &grades, 10), (2.0 + 3.0 / 2.0) / (3.0 + 2.0 / 3.0_f64.log2() + 0.5));
        close(ndcg(&ids("x y z"), &grades, 10), 0.0);
        // The best order is cut at the same depth.
        close(ndcg(&ids("a"), &grades, 1), 1.0);
        close(ndcg(&ids("x a"), &grades, 1), 0.0);
    }

    #[test]
    fn equal_grades_may_stand_in_any_order() {
        let grades = judged(&[("a", 1.0), ("b", 1.0), ("c", 0.0)]);
        assert_eq!(ndcg(&ids("a b c"), &grades, 10), ndcg(&ids("b a c"), &grades, 10));
        close(ndcg(&ids("b a"), &grades, 10), 1.0);
    }

    #[test]
    fn recall_counts_each_relevant_document_once() {
        let grades = judged(&[("a", 1.0), ("b", 2.0), ("c", 0.0), ("d", -1.0)]);
        close(recall(&ids("a x b"), &grades, 2), 0.5);
        close(recall(&ids("a a b"), &grades, 2), 1.0);
        close(recall(&ids("c d"), &grades, 10), 0.0);
        close(reciprocal_rank(&ids("x b a"), &grades, 10), 0.5);
        close(reciprocal_rank(&ids("x"), &grades, 10), 0.0);
    }

    #[test]
    fn a_query_without_relevant_documents_has_no_measure() {
        let none = judged(&[("a", 0.0)]);
        assert_eq!((ndcg(&ids("a"), &none, 10), recall(&ids("a"), &none, 10), reciprocal_rank(&ids("a"), &none, 10)), (None, None, None));
        assert_eq!(mean([]), 0.0);
        assert_eq!(mean([1.0, 0.0]), 0.5);
    }
}
