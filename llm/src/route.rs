//! Which targets may serve a request, and in which order they are asked.
//!
//! Start at [`Needs`]: what a request asks of a model. [`Route::new`] puts the candidates of an alias in order (tiers as they stand,
//! within a tier by chance and weight, within a target its keys by chance and weight); [`Route::after`] changes that order as a failure
//! demands. Nothing here calls anybody.
//!
//! **Invariant:** a candidate can do what the request needs, as far as the configuration says.

mod needs;
mod size;

use rand::Rng;

use crate::error::{Breaks, Kind, Next, Pause};
use crate::snapshot::{Alias, Choice, Keyed};

pub use needs::{Needs, Shortfall};

/// One model at one provider with one key.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) choice: &'a Choice,
    pub(crate) key: &'a Keyed,
    pub(crate) tier: usize,
}

impl Candidate<'_> {
    fn is_same_model(&self, other: &Self) -> bool {
        self.choice.site.model == other.choice.site.model && self.choice.site.name == other.choice.site.name
    }

    fn is_same_endpoint(&self, other: &Self) -> bool {
        self.choice.site.name == other.choice.site.name && self.choice.site.address == other.choice.site.address
    }
}

/// Whether a request goes on after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Onward {
    /// To the candidates that are left, if any are.
    Others,
    /// Only to a link of last resort, which has no window and needs no time.
    LastResort,
    /// Not at all.
    Caller,
}

/// The candidates of one request. Those that are still to be asked are taken from the front.
pub(crate) struct Route<'a> {
    all: Vec<Candidate<'a>>,
    /// Positions in `all`.
    pending: Vec<usize>,
    content_policy_fallback: bool,
}

impl<'a> Route<'a> {
    /// Everybody who can serve this, in order.
    ///
    /// # Errors
    /// What the targets lack, if none can.
    pub(crate) fn new(alias: &'a Alias, needs: &Needs, rng: &mut impl Rng) -> Result<Self, Shortfall> {
        let mut all = Vec::new();
        let mut shortfall = None;
        for (tier, choices) in alias.tiers.iter().enumerate() {
            let mut able = Vec::new();
            for choice in choices {
                match needs.lacking_in(&choice.site) {
                    None => able.push(choice),
                    Some(lack) => shortfall = shortfall.max(Some(lack)),
                }
            }
            for choice in by_weight(able, |choice| choice.weight, rng) {
                let keys = by_weight(choice.keys.iter().collect(), |key| key.weight, rng);
                all.extend(keys.into_iter().map(|key| Candidate { choice, key, tier }));
            }
        }
        match shortfall {
            Some(shortfall) if all.is_empty() => Err(shortfall),
            _ => Ok(Self { pending: (0..all.len()).collect(), all, content_policy_fallback: alias.content_policy_fallback }),
        }
    }

    /// Everybody, asked or not.
    pub(crate) fn all(&self) -> &[Candidate<'a>] {
        &self.all
    }

    pub(crate) fn get(&self, position: usize) -> Candidate<'a> {
        self.all[position]
    }

    /// The next one to be asked.
    pub(crate) fn take(&mut self) -> Option<usize> {
        (!self.pending.is_empty()).then(|| self.pending.remove(0))
    }

    /// The next one to be asked beside another: rather a different model, because the same one is likely to be as slow.
    pub(crate) fn take_beside(&mut self, other: usize) -> Option<usize> {
        let other = self.all[other];
        let at = self.pending.iter().position(|position| !self.all[*position].is_same_model(&other));
        match at {
            Some(at) => Some(self.pending.remove(at)),
            None => self.take(),
        }
    }

    /// Back to the front.
    pub(crate) fn put_back(&mut self, position: usize) {
        self.pending.insert(0, position);
    }

    /// Those that are still to be asked and share nothing with what failed: to ask another key of a model that is down is to ask
    /// the same model again.
    pub(crate) fn others(&self, failed: usize, kind: Kind) -> impl Iterator<Item = &Candidate<'a>> {
        let failed = self.all[failed];
        self.pending().filter(move |candidate| match kind.policy().breaker {
            Breaks::Endpoint => !candidate.is_same_endpoint(&failed),
            Breaks::Model => !candidate.is_same_model(&failed),
            Breaks::Nothing => true,
        })
    }

    /// Those that are still to be asked.
    pub(crate) fn pending(&self) -> impl Iterator<Item = &Candidate<'a>> {
        self.pending.iter().map(|position| &self.all[*position])
    }

    /// Orders those that are left as this failure of one of them demands.
    pub(crate) fn after(&mut self, failed: usize, kind: Kind) -> Onward {
        let failed = self.all[failed];
        let policy = kind.policy();
        let all = &self.all;
        match policy.next {
            _ if kind == Kind::Deadline => return Onward::LastResort,
            Next::Never => return Onward::Caller,
            Next::OptIn if !self.content_policy_fallback => return Onward::Caller,
            // The same model would refuse it again.
            Next::OptIn => self.pending.retain(|at| !all[*at].is_same_model(&failed)),
            Next::LargerWindow => {
                let window = failed.choice.site.can.context_window;
                self.pending.retain(|at| all[*at].choice.site.can.context_window > window);
                if self.pending.is_empty() {
                    return Onward::LastResort;
                }
            }
            Next::SiblingFirst => self.pending.sort_by_key(|at| !all[*at].is_same_model(&failed)),
            // Whoever shares what failed comes last.
            Next::Any => match (policy.breaker, policy.pause) {
                (Breaks::Endpoint, _) => self.pending.sort_by_key(|at| all[*at].is_same_endpoint(&failed)),
                (Breaks::Model, _) | (_, Pause::Model) => self.pending.sort_by_key(|at| all[*at].is_same_model(&failed)),
                _ => {}
            },
        }
        Onward::Others
    }
}

/// All of them in an order by chance, in which a weight is a share of being first, then of being second, and so on.
fn by_weight<T>(mut items: Vec<T>, weight: impl Fn(&T) -> u32, rng: &mut impl Rng) -> Vec<T> {
    if items.len() > 1 {
        // The first of several exponential clocks to ring is each with a probability as its rate.
        let mut keyed: Vec<(f64, T)> = items.drain(..).map(|item| (-(1.0 - rng.random::<f64>()).ln() / f64::from(weight(&item).max(1)), item)).collect();
        keyed.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        items.extend(keyed.into_iter().map(|(_, item)| item));
    }
    items
}

#[cfg(test)]
mod tests;
