//! Takes out of a text what people do not see but models read: control characters, overrides of direction, characters without width,
//! and the tag characters in which whole messages are smuggled.
//!
//! What languages need stays: joiners between letters beyond ASCII, one variation selector after a character, marks of direction
//! beside right-to-left text, the three flags that are written with tags.

use std::borrow::Cow;

use super::{Refused, json};

/// How many characters were taken out, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// Control characters other than tab and line ends.
    pub controls: usize,
    /// Overrides and embeddings of direction.
    pub directions: usize,
    /// Characters without width.
    pub invisible: usize,
    /// Tag characters and variation selectors that spell something.
    pub tags: usize,
}

impl Removed {
    /// All together.
    pub fn total(&self) -> usize {
        self.controls + self.directions + self.invisible + self.tags
    }

    fn add(&mut self, other: Self) {
        self.controls += other.controls;
        self.directions += other.directions;
        self.invisible += other.invisible;
        self.tags += other.tags;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Visible,
    Control,
    Direction,
    /// May be needed between letters beyond ASCII.
    Joiner,
    Invisible,
    /// May be needed after a visible character.
    Selector,
    Tag,
}

fn sort(c: char) -> Sort {
    match c {
        '\t' | '\n' | '\r' | ' '..='~' => Sort::Visible,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => Sort::Control,
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{206a}'..='\u{206f}' => Sort::Direction,
        '\u{200c}'..='\u{200f}' | '\u{61c}' => Sort::Joiner,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{2028}' | '\u{2029}' => {
            Sort::Invisible
        }
        '\u{2060}'..='\u{2065}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' => Sort::Invisible,
        '\u{fe00}'..='\u{fe0f}' => Sort::Selector,
        '\u{e0000}'..='\u{e0fff}' => Sort::Tag,
        _ => Sort::Visible,
    }
}

/// The text without what people do not see. Longer texts are refused.
pub fn text(text: &str, bytes_max: usize) -> Result<(Cow<'_, str>, Removed), Refused> {
    if text.len() > bytes_max {
        return Err(Refused::TooLong);
    }
    Ok(cleaned(text))
}

/// The same within the strings of JSON, however they are escaped; what is no JSON is taken as text.
pub fn json(text: &str, bytes_max: usize) -> Result<(Cow<'_, str>, Removed), Refused> {
    if text.len() <= bytes_max && is_plain(text) && !hides_more(text) {
        return Ok((Cow::Borrowed(text), Removed::default()));
    }
    let Some(parts) = json::parts(text).filter(|_| text.len() <= bytes_max) else { return self::text(text, bytes_max) };
    let mut removed = Removed::default();
    let mut cleaned_text = String::new();
    let mut from = 0;
    for part in parts.into_iter().filter(|part| part.role != json::Role::Number) {
        let decoded = json::decoded(&text[part.range.clone()]).ok_or(Refused::Unreadable)?;
        let (clean, of_part) = cleaned(&decoded);
        if of_part.total() > 0 {
            removed.add(of_part);
            cleaned_text.push_str(&text[from..part.range.start]);
            cleaned_text.push_str(&json::quoted(&clean));
            from = part.range.end;
        }
    }
    if from == 0 {
        return Ok((Cow::Borrowed(text), removed));
    }
    cleaned_text.push_str(&text[from..]);
    Ok((Cow::Owned(cleaned_text), removed))
}

/// Of characters that everybody sees, as nearly all texts are: then nothing needs to be looked at one by one.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~'))
}

/// Whether an escape of JSON may stand for something that is not plain.
fn hides_more(text: &str) -> bool {
    text.match_indices('\\').any(|(at, _)| matches!(text.as_bytes().get(at + 1), Some(b'u' | b'b' | b'f')))
}

fn cleaned(text: &str) -> (Cow<'_, str>, Removed) {
    let mut removed = Removed::default();
    if is_plain(text) || text.chars().all(|c| sort(c) == Sort::Visible) {
        return (Cow::Borrowed(text), removed);
    }
    let mut clean = String::with_capacity(text.len());
    let mut chars = text.char_indices().peekable();
    let mut before: Option<char> = None;
    while let Some((at, c)) = chars.next() {
        let sort = sort(c);
        let stays = match sort {
            Sort::Visible => true,
            Sort::Control | Sort::Direction | Sort::Invisible | Sort::Tag => false,
            Sort::Joiner => {
                let next = chars.peek().map(|(_, next)| *next);
                let is_open = |c: char| self::sort(c) == Sort::Visible && (!c.is_ascii_alphanumeric());
                before.is_some_and(|c| !c.is_ascii()) && next.is_none_or(is_open)
            }
            Sort::Selector => before.is_some_and(|before| self::sort(before) == Sort::Visible && !before.is_ascii_alphabetic()),
        };
        if stays {
            clean.push(c);
            // Another one in its place would be one too many.
            before = (sort == Sort::Visible || sort == Sort::Selector).then_some(c);
            if c == '\u{1f3f4}'
                && let Some(tags) = flag(&text[at + c.len_utf8()..])
            {
                clean.push_str(tags);
                for _ in tags.chars() {
                    chars.next();
                }
            }
            continue;
        }
        match sort {
            Sort::Control => removed.controls += 1,
            Sort::Direction => removed.directions += 1,
            Sort::Tag | Sort::Selector => removed.tags += 1,
            Sort::Joiner | Sort::Invisible | Sort::Visible => removed.invisible += 1,
        }
    }
    if removed.total() == 0 { (Cow::Borrowed(text), removed) } else { (Cow::Owned(clean), removed) }
}

/// The tags of a flag of England, Scotland or Wales.
fn flag(rest: &str) -> Option<&str> {
    ["gbeng", "gbsct", "gbwls"].iter().find_map(|region| {
        let tags = region.chars().filter_map(|c| char::from_u32(0xe0000 + u32::from(c))).chain(['\u{e007f}']);
        let mut length = 0;
        let mut chars = rest.chars();
        for tag in tags {
            if chars.next() != Some(tag) {
                return None;
            }
            length += tag.len_utf8();
        }
        rest.get(..length)
    })
}

#[cfg(test)]
mod tests;
