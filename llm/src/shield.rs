//! The guard around one call: what goes to a model is cleaned and masked, what comes back is filtered and restored.
//!
//! Start at [`Shield::request`]. It gives back the request as it may leave, and the [`Shield`] that belongs to it; the answer goes
//! through [`Shield::stream`] or [`Shield::reply`].
//!
//! Where nothing is found anywhere in a caller's body, the body goes on byte for byte. Where something is, the body is given up and the
//! request is written anew from its parts, so that a field that nobody here knows cannot carry a value past the guard.
//!
//! What is absent: pictures. They are passed on unseen, unless the tenant refuses them.
//!
//! **Invariant:** everything that is masked is masked in all of the request or the request does not leave.

mod answer;
mod slots;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::chat::{ChatRequest, ChatStream, Message, Part};
use crate::error::{Error, Kind};
use crate::guard::injection::{self, Assessment};
use crate::guard::sanitise::{self, Removed};
use crate::guard::{Flag, Guard, Piece, Placeholders, Refused};
use crate::reply::Reply;
use slots::Slot;

/// A single text may be as long as all texts together; the guard bounds those.
const TEXT_BYTES_MAX: usize = usize::MAX;

/// What one call needs to let its answer back in.
#[derive(Clone)]
pub struct Shield {
    guard: Arc<Guard>,
    placeholders: Arc<Placeholders>,
}

/// What was seen in a request. Names and numbers, never texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Values that were masked.
    pub masked: usize,
    /// What passed but is to be reported.
    pub flags: Vec<Flag>,
    /// Characters that people cannot see, taken out.
    pub removed: usize,
    /// What in it looks most like instructions in a text that is none: of users' messages and the results of tools.
    pub injection: Assessment,
}

impl Shield {
    /// Cleans and masks a request.
    ///
    /// # Errors
    /// [`Refused`] if something in it is forbidden, or cannot be looked at or masked completely.
    pub fn request(guard: Arc<Guard>, mut request: ChatRequest) -> Result<(ChatRequest, Self, Seen), Refused> {
        let injection = most_suspicious(&request);
        if let Some(Known { placeholders, flags }) = unchanged(&guard, &request)? {
            return Ok((request, Self { guard, placeholders }, Seen { masked: 0, flags, removed: 0, injection }));
        }
        request.wire = None;
        let mut slots = slots::of(&mut request);
        let mut removed = 0;
        for slot in &mut slots {
            removed += clean(slot)?;
        }
        let masked = guard.mask(&slots.iter().map(Slot::piece).collect::<Vec<_>>())?;
        let (placeholders, flags) = (masked.placeholders, masked.flags);
        let texts: Vec<Option<String>> = masked.texts.into_iter().map(|text| if let Cow::Owned(text) = text { Some(text) } else { None }).collect();
        for (slot, text) in slots.into_iter().zip(texts) {
            slot.put(text)?;
        }
        let seen = Seen { masked: placeholders.len(), flags, removed, injection };
        Ok((request, Self { guard, placeholders }, seen))
    }

    /// The answer as the caller may see it.
    pub fn stream(&self, stream: ChatStream) -> ChatStream {
        answer::stream(self.clone(), stream)
    }

    /// The whole answer as the caller may see it, and what is to be reported of it.
    ///
    /// # Errors
    /// [`Kind::Refused`], with the guard's code, if the answer holds what is forbidden.
    pub fn reply(&self, reply: Reply) -> Result<(Reply, Vec<Flag>), Error> {
        answer::whole(self, reply).map_err(refused)
    }

    /// What was masked.
    pub fn placeholders(&self) -> &Placeholders {
        &self.placeholders
    }
}

impl fmt::Debug for Shield {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shield").field("guard", &self.guard).field("placeholders", &self.placeholders).finish()
    }
}

/// The guard's refusal as an error of the call.
pub fn refused(refused: Refused) -> Error {
    let code = refused.code();
    Error::caused_by(Kind::Refused, refused).with_upstream_code(code)
}

/// What was found in a request in which nothing has to be changed.
struct Known {
    placeholders: Arc<Placeholders>,
    flags: Vec<Flag>,
}

/// What the guard knows of a body in which it has nothing to change; `None` if the request has to be written anew.
fn unchanged(guard: &Guard, request: &ChatRequest) -> Result<Option<Known>, Refused> {
    let Some(wire) = &request.wire else { return Ok(None) };
    let has_picture = request.messages.iter().flat_map(Message::content).any(|part| matches!(part, Part::Image { .. }));
    let Ok(body) = std::str::from_utf8(&wire.body) else { return Err(Refused::Unreadable) };
    if has_picture {
        return Ok(None);
    }
    let (_, removed) = sanitise::json(body, TEXT_BYTES_MAX)?;
    if removed.total() > 0 {
        return Ok(None);
    }
    let masked = guard.mask(&[Piece::Json(body)])?;
    let known = Known { placeholders: masked.placeholders, flags: masked.flags };
    Ok(known.placeholders.is_empty().then_some(known))
}

fn clean(slot: &mut Slot<'_>) -> Result<usize, Refused> {
    let (cleaned, removed): (Cow<'_, str>, Removed) = match slot.piece() {
        Piece::Text(text) => sanitise::text(text, TEXT_BYTES_MAX)?,
        Piece::Json(text) => sanitise::json(text, TEXT_BYTES_MAX)?,
    };
    if removed.total() > 0 {
        let cleaned = cleaned.into_owned();
        slot.set(cleaned);
    }
    Ok(removed.total())
}

/// Instructions are the program's own; what people and tools say may hold somebody else's.
fn most_suspicious(request: &ChatRequest) -> Assessment {
    let foreign = request.messages.iter().filter(|message| matches!(message, Message::User { .. } | Message::Tool { .. }));
    let texts = foreign.flat_map(Message::content).filter_map(|part| if let Part::Text { text, .. } = part { Some(text) } else { None });
    texts.map(|text| injection::assess(text)).max_by_key(|assessment| assessment.score).unwrap_or_default()
}

#[cfg(test)]
mod tests;
