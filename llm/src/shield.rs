//! The guard around one call: what goes to a model is cleaned and masked, what comes back is filtered and restored.
//!
//! Start at [`Shield::request`]. It gives back the request as it may leave, and the [`Shield`] that belongs to it; the answer goes
//! through [`Shield::stream`] or [`Shield::reply`].
//!
//! Where nothing is found anywhere in a caller's body, the body goes on byte for byte. Where something is, the texts in it are replaced;
//! if anything is still found after that, in a field that nobody here knows, the request is refused.
//!
//! What is absent: a look at pictures. They are passed on unseen; all that stands beside them is looked at.
//!
//! **Invariant:** everything that is masked is masked in all of the request or the request does not leave.

mod answer;
mod slots;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::chat::{ChatRequest, ChatStream, ImageSource, Message, Part, Wire};
use crate::dialect::texts::Texts;
use crate::dialect::{self, Defaults};
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
        if let Some(wire) = request.wire.clone() {
            let (request, placeholders, mut seen) = body(&guard, request, &wire)?;
            seen.injection = injection;
            return Ok((request, Self { guard, placeholders }, seen));
        }
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

    /// The answer as the caller may see it. Frames go on as they came only where nothing can be found in them.
    pub fn stream(&self, stream: ChatStream) -> ChatStream {
        if self.is_idle() {
            return stream;
        }
        answer::stream(self.clone(), stream)
    }

    /// The whole answer as the caller may see it, and what is to be reported of it.
    ///
    /// # Errors
    /// [`Kind::Refused`], with the guard's code, if the answer holds what is forbidden.
    pub fn reply(&self, reply: Reply) -> Result<(Reply, Vec<Flag>), Error> {
        answer::whole(self, reply).map_err(refused)
    }

    /// Whether an answer needs not be looked at.
    fn is_idle(&self) -> bool {
        self.placeholders.is_empty() && self.guard.lets_all_out()
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

/// A request as its caller wrote it. What passes through and what is written anew are masked alike, because the texts are replaced
/// before anything is read from them.
fn body(guard: &Guard, request: ChatRequest, wire: &Wire) -> Result<(ChatRequest, Arc<Placeholders>, Seen), Refused> {
    let text = without_pictures(&request, &wire.body)?;
    let (_, hidden) = sanitise::json(&text, TEXT_BYTES_MAX)?;
    let looked = guard.mask(&[Piece::Json(&text)])?;
    if hidden.total() == 0 && looked.placeholders.is_empty() {
        let seen = Seen { flags: looked.flags, ..Seen::default() };
        return Ok((request, looked.placeholders, seen));
    }
    let texts = Texts::read(wire.dialect, wire.body.clone()).map_err(|_| Refused::Unreadable)?;
    let mut removed = 0;
    let mut cleaned = Vec::new();
    for piece in texts.pieces() {
        let (text, hidden) = match piece {
            Piece::Text(text) => sanitise::text(text, TEXT_BYTES_MAX)?,
            Piece::Json(text) => sanitise::json(text, TEXT_BYTES_MAX)?,
        };
        removed += hidden.total();
        cleaned.push((matches!(piece, Piece::Json(_)), text.into_owned()));
    }
    let pieces: Vec<Piece<'_>> = cleaned.iter().map(|(is_json, text)| if *is_json { Piece::Json(text) } else { Piece::Text(text) }).collect();
    let masked = guard.mask(&pieces)?;
    let body = texts.with(&masked.texts).map_err(|_| Refused::Incomplete)?;
    // What was masked must not stand in a place that is no text, such as the address of a picture.
    if !guard.mask(&[Piece::Json(&without_pictures(&request, &body)?)])?.placeholders.is_empty() {
        return Err(Refused::Incomplete);
    }
    let seen = Seen { masked: masked.placeholders.len(), flags: masked.flags, removed, ..Seen::default() };
    let defaults = Defaults { max_tokens: request.max_tokens, deadline: request.deadline };
    let mut read = dialect::decode(wire.dialect, body, defaults).map_err(|_| Refused::Incomplete)?;
    let betas = |new: Arc<Wire>| Arc::new(Wire { betas: wire.betas.clone(), ..(*new).clone() });
    read.wire = read.wire.map(betas);
    read.context = request.context;
    Ok((read, masked.placeholders, seen))
}

/// The body without the pictures that it holds: they are no texts, and may be larger than any.
fn without_pictures<'a>(request: &ChatRequest, body: &'a [u8]) -> Result<Cow<'a, str>, Refused> {
    let pictures: Vec<&str> = request.messages.iter().flat_map(Message::content).filter_map(picture).collect();
    let text = std::str::from_utf8(body).map_err(|_| Refused::Unreadable)?;
    if pictures.is_empty() {
        return Ok(Cow::Borrowed(text));
    }
    let mut value = serde_json::from_str(text).map_err(|_| Refused::Unreadable)?;
    take_out(&mut value, &pictures);
    Ok(Cow::Owned(value.to_string()))
}

fn picture(part: &Part) -> Option<&str> {
    match part {
        Part::Image { source: ImageSource::Base64 { data, .. }, .. } if !data.is_empty() => Some(data),
        _ => None,
    }
}

/// A picture stands alone, or at the end of an address of its own.
fn take_out(value: &mut Value, pictures: &[&str]) {
    match value {
        Value::String(text) => {
            let held = pictures.iter().find(|data| text.strip_suffix(**data).is_some_and(|before| before.is_empty() || before.starts_with("data:")));
            if let Some(data) = held {
                text.truncate(text.len() - data.len());
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| take_out(value, pictures)),
        Value::Object(fields) => fields.values_mut().for_each(|value| take_out(value, pictures)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
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
