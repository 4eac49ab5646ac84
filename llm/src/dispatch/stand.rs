//! Who answers where no target does.

use std::sync::Arc;
use std::time::Instant;

use tracing::Instrument;

use super::ask::Ask;
use super::pace::Pace;
use super::run::{Landed, complete, served};
use super::tracker::{About, Tracker};
use super::{Call, Served};
use crate::error::{Error, Kind, Phase};
use crate::health::Late;
use crate::provider::{Provider, Target};

/// A request that only a last resort can answer.
pub(super) struct Stand<'a, A> {
    pub(super) call: &'a Call<'a>,
    pub(super) ask: &'a A,
    pub(super) degraded: bool,
    pub(super) reason: Option<Kind>,
    pub(super) attempts: u32,
}

impl<'a, A: Ask> Stand<'a, A> {
    /// Nobody was asked, and for this reason somebody should have been.
    pub(super) fn unasked(call: &'a Call<'a>, ask: &'a A, reason: Option<Kind>) -> Self {
        Self { call, ask, degraded: reason.is_some(), reason, attempts: 0 }
    }

    /// Its answer, or what is wrong if there is no last resort.
    pub(super) async fn last_resort(self, otherwise: Error) -> Result<Landed<A>, Error> {
        let Some(provider) = self.call.last_resort else { return Err(otherwise) };
        let name: Arc<str> = Provider::name(&**provider).into();
        let about = About {
            number: self.attempts + 1,
            alias: self.call.alias.into(),
            vendor: Arc::clone(&name),
            address: "".into(),
            provider: name,
            model: "".into(),
            credential: "".into(),
            operation: A::OPERATION,
        };
        let mut tracker = Tracker::start(about, None, None, None);
        let span = tracker.span();
        let target = Target::default();
        let begun = self.ask.begin(provider, &target, Pace::free(Instant::now()), &mut tracker).instrument(span).await;
        match begun {
            Ok(begun) => {
                let (begun, tracker) = complete(self.ask, begun, tracker).await?;
                let Self { degraded, reason, attempts, .. } = self;
                Ok(Served { is_last_resort: true, degraded, reason, attempts: attempts + 1, ..served(begun, tracker) })
            }
            Err(error) => {
                let error = error.in_phase(Phase::FirstToken);
                tracker.failed(&error, Late::Nobody);
                Err(error)
            }
        }
    }
}
