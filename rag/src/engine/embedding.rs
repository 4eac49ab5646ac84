//! What both vector engines do before they touch anything: check vectors, and put writes into an order that they can apply
//! in batches.

use super::{Embedded, Error, Result, State, Write};
use std::collections::{BTreeMap, HashMap};
use std::iter;
use uuid::Uuid;

/// Passages of one request: a batch of vectors is one or two megabytes.
const BATCH_PASSAGES: usize = 1_000;

/// The vector at length one, in which all engines compare: cosine asks for the direction only, and half precision holds
/// small numbers best.
pub(super) fn unit(vector: &[f32], dimensions: usize) -> Result<Vec<f32>> {
    if vector.len() != dimensions {
        return Err(Error::Dimensions { expected: dimensions, found: vector.len() });
    }
    let length = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    if !length.is_normal() {
        return Err(Error::NoDirection);
    }
    #[expect(clippy::cast_possible_truncation, reason = "a component of a vector of length one")]
    Ok(vector.iter().map(|x| (f64::from(*x) / length) as f32).collect())
}

/// Refuses the batch before anything of it is written.
pub(super) fn check(writes: &[Write<Embedded>], dimensions: usize) -> Result<()> {
    for write in writes {
        if let State::Live { passages, .. } = &write.state {
            for vector in passages.iter().filter_map(|passage| passage.vector.as_deref()) {
                unit(vector, dimensions)?;
            }
        }
    }
    Ok(())
}

/// By tenant, in rounds that hold no record twice: one round after the other is the same as one write after the other.
pub(super) fn rounds(writes: &[Write<Embedded>]) -> Vec<(Uuid, Vec<&Write<Embedded>>)> {
    let mut seen: HashMap<(Uuid, &str, Uuid), usize> = HashMap::new();
    let mut rounds: BTreeMap<(usize, Uuid), Vec<&Write<Embedded>>> = BTreeMap::new();
    for write in writes {
        let times = seen.entry((write.tenant, &write.record.resource, write.record.id)).or_default();
        rounds.entry((*times, write.tenant)).or_default().push(write);
        *times += 1;
    }
    rounds.into_iter().map(|((_, tenant), writes)| (tenant, writes)).collect()
}

/// Parts that hold about [`BATCH_PASSAGES`] passages; a record is never parted.
pub(super) fn batches<'a>(writes: &'a [&'a Write<Embedded>]) -> impl Iterator<Item = &'a [&'a Write<Embedded>]> {
    let mut rest = writes;
    iter::from_fn(move || {
        let mut passages = 0;
        let fits = |write: &&&Write<Embedded>| {
            passages += 1 + match &write.state {
                State::Live { passages, .. } => passages.len(),
                State::Gone => 0,
            };
            passages <= BATCH_PASSAGES
        };
        let count = rest.iter().take_while(fits).count().max(1).min(rest.len());
        let (batch, left) = rest.split_at(count);
        rest = left;
        (!batch.is_empty()).then_some(batch)
    })
}
