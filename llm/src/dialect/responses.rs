//! OpenAI's responses, spoken to callers only: no provider is asked in this dialect.
//!
//! Nothing is stored. What a caller wants to go on from he sends again, and what would need a store is refused by name.

pub mod reply;
pub mod request;
pub mod stream;

use crate::chat::{Dialect, Opaque};

/// What goes with reasoning, as the text that callers bring back unread.
fn sealed(opaque: &Opaque) -> String {
    let (kind, data) = match opaque {
        Opaque::Signature { data, .. } => ("signature", data),
        Opaque::Hidden { data, .. } => ("hidden", data),
    };
    format!("{}.{kind}.{data}", opaque.dialect().as_str())
}

/// What [`sealed`] was made of; absent if it is nobody's that we know.
fn unsealed(text: &str) -> Option<Opaque> {
    let (dialect, rest) = text.split_once('.')?;
    let (kind, data) = rest.split_once('.')?;
    let dialect = [Dialect::Anthropic, Dialect::OpenAiChat].into_iter().find(|known| known.as_str() == dialect)?;
    let data = data.to_owned();
    match kind {
        "signature" => Some(Opaque::Signature { dialect, data }),
        "hidden" => Some(Opaque::Hidden { dialect, data }),
        _ => None,
    }
}
