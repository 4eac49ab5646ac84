//! Recall under filters: what an engine finds among seeded synthetic vectors, against every similarity computed here.

use super::{DIMENSIONS, LIVE, NOTE, Place, key, opened, permit_of, record};
use std::sync::{Arc, LazyLock};
use steward_kernel::principal::Scope;
use steward_rag::engine::{Embedded, State, VectorIndex, Write};
use steward_rag::passage::Attributes;
use steward_rag::permit::Permit;
use uuid::Uuid;

/// Vectors of the largest corpus.
pub(crate) const SIZE: usize = 50_000;
const QUERIES: u64 = 20;
const K: usize = 10;

/// Of 10,000 rows this many belong to the owner of each width.
const WIDTHS: [(u128, &str); 5] = [(1, "0.01 %"), (10, "0.1 %"), (100, "1 %"), (1_000, "10 %"), (10_000, "100 %")];

/// Vectors around a few hundred centres, as texts lie around subjects. The same seed gives the same ones for ever.
pub(crate) struct Corpus {
    tenant: Uuid,
    vectors: &'static [Arc<[f32]>],
}

/// Those of every corpus: a smaller one is the beginning of a larger one. Made once, as several engines are asked.
static VECTORS: LazyLock<Vec<Arc<[f32]>>> = LazyLock::new(|| (0..SIZE as u64).map(vector).collect());

/// What is asked, and its similarity to each vector.
type Asked = (Arc<[f32]>, Vec<f32>);

static ASKED: LazyLock<Vec<Asked>> = LazyLock::new(|| {
    let query = |n| {
        let query = vector(1_000_000 + n);
        let similarities = VECTORS.iter().map(|vector| vector.iter().zip(&*query).map(|(a, b)| a * b).sum()).collect();
        (query, similarities)
    };
    (0..QUERIES).map(query).collect()
});

/// SplitMix64.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }
    fn vector(&mut self) -> Vec<f32> {
        (0..DIMENSIONS).map(|_| self.next()).collect()
    }
}

fn vector(n: u64) -> Arc<[f32]> {
    let (mut centre, mut own) = (Seeded((n * 7919 % 300) << 32), Seeded(n.wrapping_add(1) << 16 | 0xABCD));
    let sum: Vec<f32> = centre.vector().iter().zip(own.vector()).map(|(centre, own)| centre + own * 0.8).collect();
    let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
    sum.iter().map(|x| x / length).collect()
}

/// The owner of row `n`: one of 10,000 belongs to owner 1, nine to 10, and so on.
fn owner(n: usize) -> u128 {
    WIDTHS.iter().map(|(width, _)| *width).find(|width| (n as u128 * 7907) % 10_000 < *width).unwrap()
}

impl Corpus {
    pub(crate) fn new(tenant: Uuid, size: usize) -> Self {
        Self { tenant, vectors: &VECTORS[..size] }
    }

    pub(crate) async fn fill(&self, index: &impl VectorIndex) {
        let writes: Vec<Write<Embedded>> = self.vectors.iter().enumerate().map(|(n, vector)| self.write(n, vector)).collect();
        for batch in writes.chunks(1_000) {
            index.apply(LIVE, batch).await.unwrap();
        }
    }

    fn write(&self, n: usize, vector: &Arc<[f32]>) -> Write<Embedded> {
        let record = record(NOTE, n as u128 + 1);
        let passage = Embedded { key: key(&record, "", "", 0), hash: [0; 32], vector: Some(Arc::clone(vector)) };
        let attributes = Attributes { owner: Some(Uuid::from_u128(owner(n))), ..Attributes::default() };
        Write { tenant: self.tenant, record, version: 1, state: State::Live { attributes, passages: vec![passage] } }
    }

    /// Rows whose owner is at most that of the width, asked for as the team that owns them.
    fn permit(&self, width: u128) -> Permit {
        let team = WIDTHS.iter().map(|(owner, _)| *owner).filter(|owner| *owner <= width).map(Uuid::from_u128).collect();
        permit_of(self.tenant, &[("crm:note:read", Scope::Team)], |_, rights| rights.team = team)
    }

    /// At every width: the part of the true ten nearest that the engine finds, and nothing that the permit does not let through.
    pub(crate) async fn check(&self, index: &impl VectorIndex) {
        let mut found = [0_usize; WIDTHS.len()];
        let mut wanted = [0_usize; WIDTHS.len()];
        for (query, similarities) in ASKED.iter() {
            let mut order: Vec<(f32, usize)> = similarities[..self.vectors.len()].iter().copied().zip(0..).collect();
            order.sort_by(|a, b| b.0.total_cmp(&a.0));
            for (w, (width, _)) in WIDTHS.iter().enumerate() {
                let true_ones: Vec<usize> = order.iter().map(|(_, n)| *n).filter(|n| owner(*n) <= *width).take(K).collect();
                let hits = index.search(LIVE, &self.permit(*width), query, K).await.unwrap();
                assert_eq!(hits.len(), true_ones.len(), "at {} not all are found", WIDTHS[w].1);
                let hits: Vec<usize> = hits.iter().map(|hit| hit.key.record.id.as_u128() as usize - 1).collect();
                assert!(hits.iter().all(|n| owner(*n) <= *width), "at {} one is found that the permit does not let through", WIDTHS[w].1);
                wanted[w] += true_ones.len();
                found[w] += true_ones.iter().filter(|n| hits.contains(n)).count();
            }
        }
        for (w, (_, width)) in WIDTHS.iter().enumerate() {
            assert!(wanted[w] > 0, "{width}");
            let recall = found[w] as f64 / wanted[w] as f64;
            assert!(recall >= 0.99, "recall@{K} at {width} is {recall}");
        }
    }
}

pub(crate) async fn a_filtered_search_finds_what_an_exact_one_finds<P: Place>(place: &P) {
    let index = opened(place).await;
    let corpus = Corpus::new(place.tenant().await, SIZE);
    corpus.fill(&index).await;
    // Another tenant's rows are nearer and many; they take no place.
    let other = Corpus::new(place.tenant().await, SIZE / 10);
    other.fill(&index).await;
    corpus.check(&index).await;
}
