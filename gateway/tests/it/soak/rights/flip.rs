//! A right that is given and taken, again and again, and somebody who asks meanwhile.

use super::{Call, Caller, Dice, Person, Reply, Shift, all};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The four turns of a round; what is acknowledged is certain.
const TAKEN: u64 = 0;
const HELD: u64 = 2;

pub(in crate::soak) struct Flip {
    pub(in crate::soak) name: &'static str,
    pub(in crate::soak) tenant: String,
    pub(in crate::soak) admin: Caller,
    pub(in crate::soak) person: Person,
    pub(in crate::soak) give: Call,
    pub(in crate::soak) take: Call,
    pub(in crate::soak) ways: Vec<Call>,
    /// Ways that may show it later than it is given, or never, and are bound by everything else.
    pub(in crate::soak) later: Vec<Call>,
    /// What answers hold while the right is held, nobody holds while it is taken; `None` where the way is a write.
    pub(in crate::soak) shows: Option<String>,
    /// Shown at most while the right is held.
    pub(in crate::soak) hidden: Vec<String>,
    /// Shown at most while the right is taken.
    pub(in crate::soak) instead: Vec<String>,
}

/// What a flip came to.
pub(in crate::soak) struct Turns {
    pub(in crate::soak) name: &'static str,
    pub(in crate::soak) tenant: String,
    rounds: u64,
    /// Answers that were asked for and given while the right was certainly held, and certainly taken.
    pub(in crate::soak) held: u64,
    pub(in crate::soak) taken: u64,
    /// Writes that were acknowledged.
    pub(in crate::soak) made: u64,
}

impl fmt::Display for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, tenant, rounds, held, taken, .. } = self;
        write!(f, "{tenant}, {name}: {rounds} rounds, {held} answers while held, {taken} while taken")
    }
}

/// Counts of answers by the turn in which they were asked for and given.
#[derive(Clone, Copy, Default)]
struct Seen {
    held: u64,
    taken: u64,
    made: u64,
}

impl Flip {
    /// Gives and takes until the shift is over, each time as soon as somebody had an answer under what is certain.
    pub(in crate::soak) async fn run(self, shift: Shift) -> Turns {
        let (flip, turn, seen) = (Arc::new(self), Arc::new(AtomicU64::new(TAKEN)), watch::Sender::new(Seen::default()));
        let mut asking = JoinSet::new();
        for seed in 0..2 {
            asking.spawn(Self::ask(Arc::clone(&flip), Arc::clone(&turn), seen.clone(), shift, seed));
        }
        let mut told = seen.subscribe();
        let mut rounds = 0;
        while !shift.is_over() {
            let taken = told.borrow().taken;
            // An answer that failed ends its asker, so nobody is waited for in vain: the end of the shift comes.
            if shift.or_end(told.wait_for(|seen| seen.taken > taken)).await.is_none() {
                break;
            }
            turn.fetch_add(1, Ordering::SeqCst);
            flip.admin.insist(&flip.give).await;
            turn.fetch_add(1, Ordering::SeqCst);
            let held = told.borrow().held;
            let waited = shift.or_end(told.wait_for(|seen| seen.held > held)).await.is_some();
            turn.fetch_add(1, Ordering::SeqCst);
            flip.admin.insist(&flip.take).await;
            turn.fetch_add(1, Ordering::SeqCst);
            rounds += u64::from(waited);
        }
        all(asking).await;
        let Seen { held, taken, made } = *told.borrow();
        Turns { name: flip.name, tenant: flip.tenant.clone(), rounds, held, taken, made }
    }

    async fn ask(flip: Arc<Self>, turn: Arc<AtomicU64>, seen: watch::Sender<Seen>, shift: Shift, seed: usize) {
        let mut dice = Dice::new(seed);
        while !shift.is_over() {
            // Half of the questions are of the kind that decides when the next turn comes.
            let prompt = flip.later.is_empty() || dice.below(2) == 0;
            let ways = if prompt { &flip.ways } else { &flip.later };
            let call = &ways[dice.below(ways.len())];
            let before = turn.load(Ordering::SeqCst);
            let reply = flip.person.send(call).await;
            let certain = (turn.load(Ordering::SeqCst) == before).then_some(before % 4);
            flip.judge(call, &reply, certain, prompt);
            seen.send_modify(|seen| {
                seen.held += u64::from(certain == Some(HELD) && prompt && reply.status != 503);
                seen.taken += u64::from(certain == Some(TAKEN) && reply.status != 503);
                seen.made += u64::from(reply.is_good());
            });
        }
    }

    /// `certain` is the turn that lasted from before the question to after the answer.
    fn judge(&self, call: &Call, reply: &Reply, certain: Option<u64>, prompt: bool) {
        let told = || format!("{}, {}: {} was answered with {} {}", self.tenant, self.name, call.path, reply.status, reply.text);
        let found = |marks: &[String]| marks.iter().any(|mark| reply.text.contains(mark.as_str()));
        // Rights and rows come from one snapshot: never those of before and those of after in one answer.
        assert!(!(found(&self.hidden) && found(&self.instead)), "before and after at once: {}", told());
        if reply.status == 503 {
            return;
        }
        match (certain, &self.shows) {
            (Some(TAKEN), None) => assert_eq!(reply.status, 403, "done without the right: {}", told()),
            (Some(TAKEN), Some(_)) => assert!(!found(&self.hidden), "shown after it was taken: {}", told()),
            (Some(HELD), None) => assert!(reply.is_good(), "refused with the right: {}", told()),
            (Some(HELD), Some(mark)) => {
                assert!(!prompt || reply.text.contains(mark.as_str()), "not shown with the right: {}", told());
                assert!(!found(&self.instead), "shown after it was taken: {}", told());
            }
            _ => {}
        }
    }
}
