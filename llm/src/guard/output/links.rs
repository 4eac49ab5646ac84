//! Takes out addresses that lead outside: of links and images in Markdown, of tags, and bare ones.
//!
//! A stream waits only within an address, or where one may begin; the words of a link are passed on at once.

use std::collections::BTreeMap;

use super::super::Refused;
use super::{OutputConfig, TARGET, Targets};

/// An address that has not ended by then is not waited for, and not shown.
const HELD_MAX: usize = 16 * 1024;

/// What stands for an address that stood for itself.
const REMOVED: &str = "[link]";

/// Tags that load something by themselves.
const LOADING: [&str; 18] = [
    "img", "image", "picture", "source", "video", "audio", "track", "iframe", "frame", "embed", "object", "script", "link", "style", "svg", "base", "meta",
    "form",
];

/// Whether more may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Open,
    Whole,
}

/// Where a text stands.
#[derive(Debug, Default)]
pub(super) struct Stripping {
    /// For each open bracket, whether it is an image's.
    open: Vec<bool>,
    previous: Option<char>,
    removed: usize,
}

enum Parsed {
    /// Not an address.
    Not,
    /// More is needed to tell.
    More,
    /// It is `length` long, and this takes its place.
    Done { length: usize, instead: Instead },
}

enum Instead {
    Itself,
    Nothing,
    Text(&'static str),
}

impl Stripping {
    /// Adds to `out` what stays of the text and returns how much of it is done.
    pub(super) fn strip(&mut self, config: &OutputConfig, text: &str, end: End, out: &mut String) -> Result<usize, Refused> {
        if config.links == Targets::Keep && config.images == Targets::Keep {
            out.push_str(text);
            return Ok(text.len());
        }
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let rest = &text[at..];
            let parsed = match c {
                ']' => self.target(config, rest, end),
                '<' => tag(config, rest),
                'h' | 'H' | 'w' | 'W' if config.links == Targets::Strip && self.previous.is_none_or(|before| !before.is_alphanumeric()) => {
                    bare(config, rest, end)
                }
                _ => Parsed::Not,
            };
            match parsed {
                Parsed::More if end == End::Open => {
                    return if rest.len() > HELD_MAX { Err(Refused::TooLong) } else { Ok(at) };
                }
                Parsed::Done { length, instead } => {
                    let token = &rest[..length];
                    match instead {
                        Instead::Itself => out.push_str(token),
                        Instead::Nothing => self.removed += 1,
                        Instead::Text(text) => {
                            out.push_str(text);
                            self.removed += 1;
                        }
                    }
                    if c == ']' {
                        self.open.pop();
                    }
                    self.previous = token.chars().next_back();
                    at += length;
                }
                Parsed::More | Parsed::Not => {
                    match c {
                        '[' if self.open.len() < 64 => self.open.push(self.previous == Some('!')),
                        ']' => drop(self.open.pop()),
                        _ => {}
                    }
                    out.push(c);
                    self.previous = Some(c);
                    at += c.len_utf8();
                }
            }
        }
        Ok(at)
    }

    pub(super) fn count_into(&self, flags: &mut BTreeMap<String, usize>) {
        if self.removed > 0 {
            *flags.entry(TARGET.to_owned()).or_default() += self.removed;
        }
    }

    /// `](address "title")` and `]: address`, from the closing bracket on.
    fn target(&self, config: &OutputConfig, rest: &str, end: End) -> Parsed {
        let is_image = self.open.last().copied();
        let strips = match is_image {
            Some(true) => config.images == Targets::Strip,
            Some(false) => config.links == Targets::Strip,
            None => true,
        };
        match rest.as_bytes().get(1) {
            None if end == End::Open => Parsed::More,
            Some(b'(') if strips => match destination(&rest[2..]) {
                Destination::Not => Parsed::Not,
                Destination::More => Parsed::More,
                Destination::Done { address, length } if is_kept(config, address) => Parsed::Done { length: length + 2, instead: Instead::Itself },
                Destination::Done { length, .. } => Parsed::Done { length: length + 2, instead: Instead::Text("]") },
            },
            // A definition may serve links and images alike.
            Some(b':') => {
                let space = rest[2..].len() - rest[2..].trim_start_matches([' ', '\t', '\n', '<']).len();
                let address = &rest[2 + space..];
                match address.find(|c: char| c.is_whitespace() || c == '>') {
                    None if end == End::Open => Parsed::More,
                    found => {
                        let address = &address[..found.unwrap_or(address.len())];
                        if !leads_outside(address) || is_kept(config, address) {
                            return Parsed::Not;
                        }
                        Parsed::Done { length: 2 + space + address.len(), instead: Instead::Text("]: ") }
                    }
                }
            }
            _ => Parsed::Not,
        }
    }
}

enum Destination<'a> {
    Not,
    More,
    Done { address: &'a str, length: usize },
}

/// What stands between the parentheses, the closing one included: an address and perhaps a title.
fn destination(rest: &str) -> Destination<'_> {
    let start = rest.len() - rest.trim_start().len();
    let (from, to) = if rest[start..].starts_with('<') {
        match rest[start..].find(['>', '\n']) {
            None => return Destination::More,
            Some(end) => (start + 1, start + end),
        }
    } else {
        let mut depth = 0_usize;
        let end = rest[start..].char_indices().find(|(_, c)| match c {
            '(' => {
                depth += 1;
                false
            }
            ')' if depth > 0 => {
                depth -= 1;
                false
            }
            c => *c == ')' || c.is_whitespace(),
        });
        match end {
            None => return Destination::More,
            Some((end, _)) => (start, start + end),
        }
    };
    let address = &rest[from.min(to)..to];
    let after = rest[to..].trim_start_matches('>');
    let after = after.trim_start();
    let at = rest.len() - after.len();
    match after.chars().next() {
        None => Destination::More,
        Some(')') => Destination::Done { address, length: at + 1 },
        Some(open @ ('"' | '\'' | '(')) => {
            let close = if open == '(' { ')' } else { open };
            let Some(title) = after[1..].find(close) else { return Destination::More };
            let last = after[title + 2..].trim_start();
            match last.chars().next() {
                None => Destination::More,
                Some(')') => Destination::Done { address, length: rest.len() - last.len() + 1 },
                Some(_) => Destination::Not,
            }
        }
        Some(_) => Destination::Not,
    }
}

/// A tag that loads or leads somewhere.
fn tag(config: &OutputConfig, rest: &str) -> Parsed {
    let name = rest[1..].bytes().take_while(u8::is_ascii_alphanumeric).count();
    let is_open = rest.len() == 1 + name;
    let (name, strips_links, strips_images) = (rest[1..=name].to_ascii_lowercase(), config.links == Targets::Strip, config.images == Targets::Strip);
    if is_open {
        let begins = LOADING.iter().any(|tag| tag.starts_with(&name)) || "a".starts_with(&name);
        return if begins { Parsed::More } else { Parsed::Not };
    }
    let strips = (strips_images && LOADING.contains(&name.as_str())) || (strips_links && name == "a");
    if !strips {
        return Parsed::Not;
    }
    rest.find('>').map_or(Parsed::More, |end| Parsed::Done { length: end + 1, instead: Instead::Nothing })
}

/// An address by itself.
fn bare(config: &OutputConfig, rest: &str, end: End) -> Parsed {
    const BEGINNINGS: [&str; 3] = ["http://", "https://", "www."];
    let begins = |beginning: &str| rest.get(..beginning.len()).is_some_and(|start| start.eq_ignore_ascii_case(beginning));
    if !BEGINNINGS.iter().any(|beginning| begins(beginning)) {
        let may = BEGINNINGS.iter().any(|beginning| beginning.get(..rest.len()).is_some_and(|start| start.eq_ignore_ascii_case(rest)));
        return if may && end == End::Open { Parsed::More } else { Parsed::Not };
    }
    let length = rest.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\'' | ')' | ']' | '`' | '|'));
    match length {
        None if end == End::Open => Parsed::More,
        length => {
            let address = &rest[..length.unwrap_or(rest.len())];
            let address = address.trim_end_matches(['.', ',', ';', ':', '!', '?']);
            let instead = if is_kept(config, address) { Instead::Itself } else { Instead::Text(REMOVED) };
            Parsed::Done { length: address.len(), instead }
        }
    }
}

fn leads_outside(address: &str) -> bool {
    address.contains("://") || address.starts_with("//") || address.starts_with("www.") || address.contains(':')
}

/// Whether an address stays inside, or leads to a host that is trusted.
fn is_kept(config: &OutputConfig, address: &str) -> bool {
    let address = address.trim();
    let plain = address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if !plain {
        return false;
    }
    if address.is_empty() || address.starts_with('#') || (address.starts_with('/') && !address.starts_with("//")) {
        return true;
    }
    let lower = address.to_ascii_lowercase();
    let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://")).or_else(|| lower.starts_with("www.").then_some(lower.as_str()));
    let Some(rest) = rest else { return false };
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let host = authority.split(':').next().unwrap_or_default();
    !authority.contains('@')
        && config.hosts.iter().any(|trusted| {
            let trusted = trusted.to_ascii_lowercase();
            host == trusted || host.strip_suffix(trusted.as_str()).is_some_and(|sub| sub.ends_with('.'))
        })
}
