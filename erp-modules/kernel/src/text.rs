//! Long texts in pieces: what an index holds of a document, and what a citation points at.
//!
//! Start at [`chunk`]. A piece is a slice of the text, never a copy with changes, so that a citation's span can be checked
//! against the text itself. The rules read from the beginning and never look back, so that a text that goes on leaves the
//! pieces before its last one as they are, and what was embedded of them need not be embedded again.
//!
//! Markdown is read for its headings, lists, tables and fences; a plain text is one without them. Deliberately absent:
//! rendering, overlaps between pieces, and any knowledge of an embedder but its size.

mod sentence;

#[cfg(test)]
mod tests;

use std::ops::Range;

/// A paragraph that ends beyond this ends its piece.
const ENOUGH: usize = 120;
/// No piece is heavier: embedders read some 256 tokens and drop the rest.
const MOST: usize = 180;
/// A section this light goes on in the piece of the one before it.
const LIGHT: usize = 60;
/// A line that is heavier is no heading, whatever it begins with.
const HEADING: usize = 30;
/// A word of more characters counts as several: it is several tokens.
const LETTERS: usize = 12;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// From 0, in the order of the text.
    pub ordinal: u32,
    /// The headings above it, the outermost first; of a piece of several sections those that they share.
    pub heading_path: Vec<&'a str>,
    /// `&body[span]`.
    pub text: &'a str,
    /// In bytes.
    pub span: Range<usize>,
}

/// The smallest part that is not torn: a heading, a sentence, a line of a list, of a table or of code.
#[derive(Clone, Debug)]
struct Unit {
    span: Range<usize>,
    weight: usize,
    /// A blank line or a heading stands before it.
    opens: bool,
    /// The level of a heading.
    heading: Option<usize>,
}

/// Cuts a text at its headings and paragraphs into pieces of about 120 to 180 words. A sentence is cut only when it is
/// longer than a piece. Together the pieces hold everything but the white space between them, in order and without overlap.
pub fn chunk(body: &str) -> Vec<Chunk<'_>> {
    let mut cutter = Cutter { body, chunks: Vec::new(), headings: Vec::new(), path: None, span: 0..0, weight: 0, tail: None };
    for unit in units(body) {
        cutter.take(&unit);
    }
    cutter.close();
    cutter.chunks
}

struct Cutter<'a> {
    body: &'a str,
    chunks: Vec<Chunk<'a>>,
    /// The headings above the current place, with their levels.
    headings: Vec<(usize, &'a str)>,
    /// What the sections of the open piece have in common.
    path: Option<Vec<&'a str>>,
    span: Range<usize>,
    weight: usize,
    /// The headings that the open piece ends with: they go with what follows them.
    tail: Option<Tail>,
}

#[derive(Clone, Copy)]
struct Tail {
    start: usize,
    weight: usize,
    /// Where the piece ends without it.
    before: usize,
}

impl<'a> Cutter<'a> {
    fn take(&mut self, unit: &Unit) {
        if let Some(level) = unit.heading {
            if self.tail.is_none() && self.weight >= LIGHT {
                self.close();
            }
            self.headings.retain(|(above, _)| *above < level);
            self.headings.push((level, title(&self.body[unit.span.clone()])));
        } else if unit.opens && self.tail.is_none() && self.weight >= ENOUGH {
            self.close();
        }
        if self.weight + unit.weight > MOST {
            self.close_before_headings();
        }
        if self.weight + unit.weight > MOST {
            self.close();
        }
        if unit.heading.is_some() {
            let tail = self.tail.get_or_insert(Tail { start: unit.span.start, weight: 0, before: self.span.end });
            tail.weight += unit.weight;
        } else {
            self.tail = None;
        }
        if self.weight == 0 {
            self.span.start = unit.span.start;
        }
        self.span.end = unit.span.end;
        self.weight += unit.weight;
        if unit.heading.is_none() {
            self.place();
        }
    }

    /// Closes the open piece without the headings at its end, which begin the next one.
    fn close_before_headings(&mut self) {
        let Some(tail) = self.tail.filter(|tail| tail.weight < self.weight) else { return };
        let end = std::mem::replace(&mut self.span.end, tail.before);
        self.close();
        self.span = tail.start..end;
        self.weight = tail.weight;
        self.tail = Some(tail);
    }

    fn place(&mut self) {
        let here: Vec<&str> = self.headings.iter().map(|(_, title)| *title).collect();
        self.path = Some(match self.path.take() {
            Some(path) => path.into_iter().zip(here).take_while(|(one, other)| one == other).map(|(one, _)| one).collect(),
            None => here,
        });
    }

    fn close(&mut self) {
        if self.weight == 0 {
            return;
        }
        if self.path.is_none() {
            self.place();
        }
        self.chunks.push(Chunk {
            ordinal: u32::try_from(self.chunks.len()).unwrap_or(u32::MAX),
            heading_path: self.path.take().unwrap_or_default(),
            text: &self.body[self.span.clone()],
            span: self.span.clone(),
        });
        self.weight = 0;
        self.tail = None;
    }
}

/// The text of a heading's line.
fn title(line: &str) -> &str {
    line.trim_start_matches('#').trim().trim_end_matches('#').trim_end()
}

/// The level of a heading: one to six `#` and a blank.
fn level(line: &str) -> Option<usize> {
    let line = line.trim_start_matches(' ');
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    ((1..=6).contains(&level) && line[level..].starts_with([' ', '\t']) && (1..=HEADING).contains(&weight(title(line)))).then_some(level)
}

fn is_fence(line: &str) -> bool {
    line.starts_with("```") || line.starts_with("~~~")
}

/// A line that stands for itself: of a list, a table or a quotation.
fn stands_alone(line: &str) -> bool {
    let numbered = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with(['|', '>'])
        || ["- ", "* ", "+ "].iter().any(|mark| line.starts_with(mark))
        || (numbered.len() < line.len() && (numbered.starts_with(". ") || numbered.starts_with(") ")))
}

fn units(body: &str) -> Vec<Unit> {
    let mut units = Vec::new();
    let (mut opens, mut fenced) = (false, false);
    // The lines of a paragraph that is not complete yet.
    let mut open: Option<Range<usize>> = None;
    let mut at = 0;
    for line in body.split_inclusive('\n') {
        let start = at + (line.len() - line.trim_start().len());
        at += line.len();
        let text = line.trim();
        let end = start + text.len();
        let fence = is_fence(text);
        let heading = if fenced { None } else { level(text) };
        let alone = fenced || fence || heading.is_some() || stands_alone(text);
        if (text.is_empty() || alone)
            && let Some(span) = open.take()
        {
            paragraph(body, span, opens, &mut units);
            opens = false;
        }
        fenced ^= fence;
        if text.is_empty() {
            // A blank line within code is part of it.
            opens |= !fenced;
        } else if heading.is_some() {
            units.push(Unit { weight: weight(text), span: start..end, opens: true, heading });
            opens = true;
        } else if fenced || fence {
            pieces(body, start..end, opens, &mut units);
            opens = false;
        } else if let Some(span) = &mut open {
            span.end = end;
        } else {
            open = Some(start..end);
        }
    }
    if let Some(span) = open {
        paragraph(body, span, opens, &mut units);
    }
    units
}

/// The sentences of a paragraph.
fn paragraph(body: &str, span: Range<usize>, mut opens: bool, units: &mut Vec<Unit>) {
    let mut start = span.start;
    for end in sentence::ends(&body[span.clone()]).into_iter().map(|end| span.start + end) {
        let sentence = &body[start..end];
        let blank = sentence.len() - sentence.trim_start().len();
        pieces(body, start + blank..end, opens, units);
        opens = false;
        start = end;
    }
}

/// One unit, or as many as it takes when it is longer than a piece: cut between words, a word only when it is itself too long.
fn pieces(body: &str, span: Range<usize>, mut opens: bool, units: &mut Vec<Unit>) {
    let (mut start, mut end, mut total) = (span.start, span.start, 0);
    let mut push = |span: Range<usize>, weight: usize| {
        units.push(Unit { span, weight, opens, heading: None });
        opens = false;
    };
    for word in words(&body[span.clone()]) {
        let word = span.start + word.start..span.start + word.end;
        let weight = weight(&body[word.clone()]);
        if total > 0 && total + weight > MOST {
            push(start..end, total);
            (start, total) = (word.start, 0);
        }
        if total == 0 {
            start = word.start;
        }
        total += weight;
        end = word.end;
    }
    if total > 0 {
        push(start..end, total);
    }
}

/// The words of a text; one too long for a piece in several parts.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut start = None;
    let mut letters = 0;
    for (at, c) in text.char_indices() {
        match start {
            Some(from) if c.is_whitespace() => {
                words.push(from..at);
                start = None;
            }
            Some(from) if letters == LETTERS * MOST => {
                words.push(from..at);
                (start, letters) = (Some(at), 1);
            }
            Some(_) => letters += 1,
            None if c.is_whitespace() => {}
            None => (start, letters) = (Some(at), 1),
        }
    }
    words.extend(start.map(|from| from..text.len()));
    words
}

/// About how much an embedder has to read: words, long ones several times.
fn weight(text: &str) -> usize {
    text.split_whitespace().map(|word| word.chars().count().div_ceil(LETTERS)).sum()
}
