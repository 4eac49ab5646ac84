//! Values are replaced by placeholders, over all texts of one request.
//!
//! Start at [`Guard::mask`]. It looks at every text first, numbers the values in the order of reading, and only then writes: the same
//! value has the same placeholder everywhere, also where no detector would find it by itself (within a longer word). A later turn
//! of the same conversation numbers the same values alike, which keeps the caches of prompts warm.
//!
//! In JSON the strings and numbers are masked, also in JSON within strings; a masked number becomes a string. Of keys only what the
//! built-in classes find is masked: a tenant's word may be the name of a field, an e-mail address is none.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::detect::{self, Class};
use super::json::{self, Role};
use super::{Action, Finding, Guard, Placeholders, Refused, With};

/// Shorter values are masked where they are found, not wherever their characters stand.
const SWEPT_BYTES_MIN: usize = 4;
/// JSON within JSON is looked into this deep; below, it is text.
const DEPTH_MAX: usize = 4;
const NONCES_MAX: u32 = 64;

/// One text of a request.
#[derive(Clone, Copy)]
pub enum Piece<'a> {
    /// Words.
    Text(&'a str),
    /// Arguments or the result of a tool: JSON, or words if it is none.
    Json(&'a str),
}

/// Something that passes but is reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The rule's name or the class's code.
    pub rule: String,
    /// How often.
    pub count: usize,
}

/// The masked texts of a request.
pub struct Masked<'a> {
    /// In the order of the pieces; borrowed where nothing was masked.
    pub texts: Vec<Cow<'a, str>>,
    /// What puts the values back.
    pub placeholders: Arc<Placeholders>,
    /// What was let through but is to be reported.
    pub flags: Vec<Flag>,
}

impl std::fmt::Debug for Masked<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Masked").field("texts", &self.texts.len()).field("placeholders", &self.placeholders).finish_non_exhaustive()
    }
}

struct Leaf<'a> {
    text: Cow<'a, str>,
    role: Option<Role>,
    /// What is to be masked, in order.
    masked: Vec<Finding>,
}

enum Node<'a> {
    Leaf(Leaf<'a>),
    Json { raw: Cow<'a, str>, parts: Vec<(Range<usize>, Node<'a>)> },
}

/// What is known of a request while it is looked at.
struct Look {
    flags: BTreeMap<String, usize>,
    known: HashSet<String>,
    searched: usize,
    until: Instant,
}

impl Guard {
    /// Masks the texts of one request.
    pub fn mask<'a>(&self, pieces: &[Piece<'a>]) -> Result<Masked<'a>, Refused> {
        let bytes: usize = pieces.iter().map(|(Piece::Text(text) | Piece::Json(text))| text.len()).sum();
        if bytes > self.text_bytes_max {
            return Err(Refused::TooLong);
        }
        let mut look = Look { flags: BTreeMap::new(), known: HashSet::new(), searched: 0, until: Instant::now() + self.regex_time_max };
        let mut nodes = Vec::with_capacity(pieces.len());
        for piece in pieces {
            nodes.push(match piece {
                Piece::Text(text) => Node::Leaf(self.leaf(Cow::Borrowed(text), None, &mut look)?),
                Piece::Json(text) => match self.json(&Cow::Borrowed(*text), DEPTH_MAX, &mut look)? {
                    Some(node) => node,
                    None if json::hides_ascii(text) => return Err(Refused::Unreadable),
                    None => Node::Leaf(self.leaf(Cow::Borrowed(text), None, &mut look)?),
                },
            });
        }
        let flags = look.flags.into_iter().map(|(rule, count)| Flag { rule, count }).collect();
        let names = sweep_and_name(&mut nodes)?;
        let mut texts = Vec::with_capacity(nodes.len());
        for (piece, node) in pieces.iter().zip(&nodes) {
            let (Piece::Text(text) | Piece::Json(text)) = *piece;
            texts.push(node.rendered(&names)?.map_or(Cow::Borrowed(text), Cow::Owned));
        }
        let values = names.into_iter().map(|(value, placeholder)| (placeholder, value)).collect();
        Ok(Masked { texts, placeholders: Arc::new(Placeholders::new(values, look.known)), flags })
    }

    fn leaf<'a>(&self, text: Cow<'a, str>, role: Option<Role>, look: &mut Look) -> Result<Leaf<'a>, Refused> {
        let with = if role == Some(Role::Key) { With::Classes } else { With::Rules { until: look.until } };
        if let With::Rules { .. } = with {
            look.searched += text.len() * self.rules.patterns();
            if look.searched > self.regex_bytes_max {
                return Err(Refused::TooLong);
            }
        }
        let mut masked = self.findings(&text, with, &mut look.known)?;
        for finding in &masked {
            match finding.action {
                Action::Refuse => return Err(Refused::Forbidden { rule: self.name(finding) }),
                Action::Flag => *look.flags.entry(self.name(finding)).or_default() += 1,
                Action::Ignore | Action::Mask => {}
            }
        }
        masked.retain(|finding| finding.action == Action::Mask);
        Ok(Leaf { text, role, masked })
    }

    fn json<'a>(&self, raw: &Cow<'a, str>, depth: usize, look: &mut Look) -> Result<Option<Node<'a>>, Refused> {
        let Some(parts) = json::parts(raw) else { return Ok(None) };
        let mut nodes = Vec::with_capacity(parts.len());
        let mut is_secret = false;
        for part in parts {
            let token = slice(raw, part.range.clone());
            let text = if part.role == Role::Number { token } else { decoded(token).ok_or(Refused::Unreadable)? };
            let nested = if part.role == Role::String && depth > 0 && json::is_nested(&text) { self.json(&text, depth - 1, look)? } else { None };
            let node = match nested {
                Some(node) if !is_secret => node,
                _ => Node::Leaf(self.value(text, part.role, is_secret, look)?),
            };
            is_secret = matches!(&node, Node::Leaf(leaf) if part.role == Role::Key && detect::names_a_secret(&leaf.text));
            nodes.push((part.range, node));
        }
        Ok(Some(Node::Json { raw: raw.clone(), parts: nodes }))
    }

    fn value<'a>(&self, text: Cow<'a, str>, role: Role, is_secret: bool, look: &mut Look) -> Result<Leaf<'a>, Refused> {
        let mut leaf = self.leaf(text, Some(role), look)?;
        if is_secret && role != Role::Key && !leaf.text.is_empty() && !self.rules.allows(&leaf.text, Class::Secret) {
            look.known.insert(leaf.text.to_string());
            let finding = Finding { range: 0..leaf.text.len(), class: Class::Secret, rule: None, action: self.action(Class::Secret) };
            match finding.action {
                Action::Ignore => {}
                Action::Flag => *look.flags.entry(self.name(&finding)).or_default() += 1,
                Action::Mask => leaf.masked = vec![finding],
                Action::Refuse => return Err(Refused::Forbidden { rule: self.name(&finding) }),
            }
        }
        Ok(leaf)
    }
}

fn slice<'a>(raw: &Cow<'a, str>, range: Range<usize>) -> Cow<'a, str> {
    match raw {
        Cow::Borrowed(raw) => Cow::Borrowed(&raw[range]),
        Cow::Owned(raw) => Cow::Owned(raw[range].to_owned()),
    }
}

fn decoded(token: Cow<'_, str>) -> Option<Cow<'_, str>> {
    match token {
        Cow::Borrowed(token) => json::decoded(token),
        Cow::Owned(token) => json::decoded(&token).map(|text| Cow::Owned(text.into_owned())),
    }
}

/// Finds the values everywhere else as well, and gives each its placeholder in the order of reading.
fn sweep_and_name(nodes: &mut [Node<'_>]) -> Result<HashMap<String, String>, Refused> {
    let mut classes: HashMap<String, Class> = HashMap::new();
    visit(nodes, &mut |leaf| {
        for finding in &leaf.masked {
            classes.entry(leaf.text[finding.range.clone()].to_owned()).or_insert(finding.class);
        }
    });
    if classes.is_empty() {
        return Ok(HashMap::new());
    }
    let swept: Vec<_> = classes.iter().filter(|(value, _)| value.len() >= SWEPT_BYTES_MIN).collect();
    // A request has few values and little text: what is built for it must be cheap to build.
    let search = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .match_kind(MatchKind::LeftmostLongest)
        .build(swept.iter().map(|(value, _)| value))
        .map_err(|_| Refused::Incomplete)?;
    visit(nodes, &mut |leaf| sweep(leaf, &search, &swept));

    let nonce = nonce(nodes, &classes)?;
    let mut names: HashMap<String, String> = HashMap::new();
    let mut counts: HashMap<Class, usize> = HashMap::new();
    visit(nodes, &mut |leaf| {
        for finding in &leaf.masked {
            let value = &leaf.text[finding.range.clone()];
            if !names.contains_key(value) {
                let class = classes.get(value).copied().unwrap_or(finding.class);
                let count = counts.entry(class).or_default();
                *count += 1;
                names.insert(value.to_owned(), format!("[{}_{count}{nonce}]", class.label()));
            }
        }
    });
    Ok(names)
}

fn visit<'a>(nodes: &mut [Node<'a>], see: &mut dyn FnMut(&mut Leaf<'a>)) {
    for node in nodes {
        node.visit(see);
    }
}

/// Values between what was found are found as well.
fn sweep(leaf: &mut Leaf<'_>, search: &AhoCorasick, swept: &[(&String, &Class)]) {
    let mut more = Vec::new();
    let mut from = 0;
    let end = leaf.text.len();
    let ends = leaf.masked.iter().map(|finding| finding.range.clone()).chain(std::iter::once(end..end));
    for taken in ends {
        let gap = leaf.text.get(from..taken.start).unwrap_or_default();
        for found in search.find_iter(gap) {
            let class = *swept[found.pattern().as_usize()].1;
            if leaf.role != Some(Role::Key) || class != Class::Term {
                more.push(Finding { range: from + found.start()..from + found.end(), class, rule: None, action: Action::Mask });
            }
        }
        from = taken.end;
    }
    leaf.masked.append(&mut more);
    leaf.masked.sort_by_key(|finding| finding.range.start);
}

/// Nothing, or what tells placeholders from something in the texts that looks like one. It depends on the texts alone.
fn nonce(nodes: &mut [Node<'_>], classes: &HashMap<String, Class>) -> Result<String, Refused> {
    let labels: HashSet<&str> = classes.values().map(|class| class.label()).collect();
    let mut is_taken = false;
    visit(nodes, &mut |leaf| is_taken = is_taken || looks_like_one(&leaf.text, &labels));
    if !is_taken {
        return Ok(String::new());
    }
    for number in 0..NONCES_MAX {
        let hash = blake3::hash(format!("placeholder {number}").as_bytes());
        let nonce = format!("_{}", &hash.to_hex()[..6]);
        let mut is_free = true;
        visit(nodes, &mut |leaf| is_free = is_free && !leaf.text.contains(&nonce));
        if is_free {
            return Ok(nonce);
        }
    }
    Err(Refused::Incomplete)
}

fn looks_like_one(text: &str, labels: &HashSet<&str>) -> bool {
    text.match_indices('[').any(|(at, _)| {
        let rest = &text[at + 1..];
        labels.iter().any(|label| rest.strip_prefix(label).is_some_and(|rest| rest.starts_with('_')))
    })
}

impl<'a> Node<'a> {
    fn visit(&mut self, see: &mut dyn FnMut(&mut Leaf<'a>)) {
        match self {
            Self::Leaf(leaf) => see(leaf),
            Self::Json { parts, .. } => {
                for (_, node) in parts {
                    node.visit(see);
                }
            }
        }
    }

    /// The text with placeholders; `None` if nothing in it was masked.
    fn rendered(&self, names: &HashMap<String, String>) -> Result<Option<String>, Refused> {
        match self {
            Self::Leaf(leaf) => leaf.rendered(names),
            Self::Json { raw, parts } => {
                let mut rendered: Option<String> = None;
                let mut from = 0;
                for (range, node) in parts {
                    if let Some(text) = node.rendered(names)? {
                        let out = rendered.get_or_insert_default();
                        out.push_str(&raw[from..range.start]);
                        out.push_str(&json::quoted(&text));
                        from = range.end;
                    }
                }
                if let Some(out) = &mut rendered {
                    out.push_str(&raw[from..]);
                }
                Ok(rendered)
            }
        }
    }
}

impl Leaf<'_> {
    fn rendered(&self, names: &HashMap<String, String>) -> Result<Option<String>, Refused> {
        if self.masked.is_empty() {
            return Ok(None);
        }
        let mut rendered = String::with_capacity(self.text.len());
        let mut from = 0;
        for finding in &self.masked {
            let before = self.text.get(from..finding.range.start).ok_or(Refused::Incomplete)?;
            let name = self.text.get(finding.range.clone()).and_then(|value| names.get(value)).ok_or(Refused::Incomplete)?;
            rendered.push_str(before);
            rendered.push_str(name);
            from = finding.range.end;
        }
        rendered.push_str(self.text.get(from..).ok_or(Refused::Incomplete)?);
        // A value can only have come together anew around a placeholder, of which it would then hold a bracket.
        let whole = |value: &&String| value.len() >= SWEPT_BYTES_MIN && value.contains(['[', ']']) && rendered.contains(value.as_str());
        if self.role != Some(Role::Key) && names.keys().find(whole).is_some() { Err(Refused::Incomplete) } else { Ok(Some(rendered)) }
    }
}

#[cfg(test)]
pub(super) mod tests;
