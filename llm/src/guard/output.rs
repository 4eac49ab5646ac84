//! What a model says of its own accord: secrets and personal data that the request did not hold, and addresses that lead outside.
//!
//! Start at [`Guard::filter`] for a whole answer and at [`Filtering`] for a stream; both give the same. They come before the values
//! are put back, so that a value cannot leave in the address of an image.
//!
//! A stream is cut only between words, and never where something found could go on: a number in groups, a word such as
//! "password" before its value, a key in a frame. Ordinary words and the figures of tables and lists are passed on as soon as the next
//! space arrives.
//!
//! What is absent: a tenant's own rules. They bind what is sent to a model.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::detect::{self, Class};
use super::{Action, Finding, Flag, Guard, Placeholders, Refused, json, united};

mod cut;
mod links;

use self::links::Stripping;

/// What is done with a model's own words.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutputConfig {
    /// With passwords, keys and tokens.
    pub secrets: Action,
    /// With every other class.
    pub personal: Action,
    /// With the targets of links; their words stay.
    pub links: Targets,
    /// With the targets of images and of everything that a page would load by itself.
    pub images: Targets,
    /// Hosts, with all below them, whose targets are kept.
    pub hosts: Vec<String>,
}

impl Default for OutputConfig {
    fn default() -> Self {
        Self { secrets: Action::Mask, personal: Action::Flag, links: Targets::Keep, images: Targets::Strip, hosts: Vec::new() }
    }
}

/// What is done with addresses that lead outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Targets {
    /// They stay.
    Keep,
    /// They are taken out.
    Strip,
}

/// An answer that may be shown.
#[derive(Debug)]
pub struct Filtered<'a> {
    /// The text; borrowed if nothing was taken out.
    pub text: Cow<'a, str>,
    /// What is to be reported.
    pub flags: Vec<Flag>,
}

/// The name under which stripped targets are reported.
const TARGET: &str = "target";

impl Guard {
    /// Whether nothing that a model says is taken out or reported.
    pub fn lets_all_out(&self) -> bool {
        let OutputConfig { secrets, personal, links, images, .. } = &self.output;
        (secrets, personal, links, images) == (&Action::Ignore, &Action::Ignore, &Targets::Keep, &Targets::Keep)
    }

    /// Filters a whole answer to this request.
    pub fn filter<'a>(&self, text: &'a str, request: &Placeholders) -> Result<Filtered<'a>, Refused> {
        let mut flags = BTreeMap::new();
        let mut stripping = Stripping::default();
        let mut stripped = String::new();
        stripping.strip(&self.output, text, links::End::Whole, &mut stripped)?;
        stripping.count_into(&mut flags);
        let text = if stripped == text { Cow::Borrowed(text) } else { Cow::Owned(stripped) };
        let text = match self.masked_output(&text, request, &mut flags)? {
            Some(masked) => Cow::Owned(masked),
            None => text,
        };
        Ok(Filtered { text, flags: reported(flags) })
    }

    /// Filters the whole arguments of a tool call: the strings and numbers in it. What is no JSON is filtered as text.
    pub fn filter_arguments<'a>(&self, arguments: &'a str, request: &Placeholders) -> Result<Filtered<'a>, Refused> {
        let Some(parts) = json::parts(arguments) else { return self.filter(arguments, request) };
        let mut flags = BTreeMap::new();
        let mut filtered = String::new();
        let mut from = 0;
        for part in parts {
            let token = &arguments[part.range.clone()];
            let text = if part.role == json::Role::Number { Cow::Borrowed(token) } else { json::decoded(token).ok_or(Refused::Unreadable)? };
            if let Some(masked) = self.masked_output(&text, request, &mut flags)? {
                filtered.push_str(&arguments[from..part.range.start]);
                filtered.push_str(&json::quoted(&masked));
                from = part.range.end;
            }
        }
        let text = if from == 0 { Cow::Borrowed(arguments) } else { Cow::Owned(filtered + &arguments[from..]) };
        Ok(Filtered { text, flags: reported(flags) })
    }

    /// What is found in a model's own words and is not known from the request.
    fn found_in_output(&self, text: &str, request: &Placeholders) -> Vec<Finding> {
        let mut found = Vec::new();
        detect::find(text, &mut found);
        let findings = found.into_iter().map(|found| {
            let action = if found.class == Class::Secret { self.output.secrets } else { self.output.personal };
            Finding { range: found.range, class: found.class, rule: None, action }
        });
        let is_new = |finding: &Finding| {
            let value = &text[finding.range.clone()];
            finding.action != Action::Ignore && !request.knows(value) && !self.rules.allows(value, finding.class)
        };
        united(findings.filter(is_new).collect())
    }

    /// The text without what must not be shown; `None` if all of it may be.
    fn masked_output(&self, text: &str, request: &Placeholders, flags: &mut BTreeMap<String, usize>) -> Result<Option<String>, Refused> {
        let mut masked: Option<String> = None;
        let mut from = 0;
        for finding in self.found_in_output(text, request) {
            if finding.action == Action::Refuse {
                return Err(Refused::Forbidden { rule: self.name(&finding) });
            }
            *flags.entry(self.name(&finding)).or_default() += 1;
            if finding.action == Action::Mask {
                let out = masked.get_or_insert_default();
                out.push_str(&text[from..finding.range.start]);
                out.push('[');
                out.push_str(finding.class.label());
                out.push(']');
                from = finding.range.end;
            }
        }
        if let Some(out) = &mut masked {
            out.push_str(&text[from..]);
        }
        Ok(masked)
    }
}

fn reported(flags: BTreeMap<String, usize>) -> Vec<Flag> {
    flags.into_iter().map(|(rule, count)| Flag { rule, count }).collect()
}

/// Filters an answer that arrives in pieces.
pub struct Filtering {
    guard: Arc<Guard>,
    request: Arc<Placeholders>,
    stripping: Stripping,
    /// As it arrived; waits for the end of an address.
    arrived: String,
    /// Without addresses; waits for the end of what may be found.
    stripped: String,
    flags: BTreeMap<String, usize>,
}

impl std::fmt::Debug for Filtering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filtering").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl Filtering {
    /// Nothing has arrived yet of the answer to this request.
    pub fn new(guard: Arc<Guard>, request: Arc<Placeholders>) -> Self {
        Self { guard, request, stripping: Stripping::default(), arrived: String::new(), stripped: String::new(), flags: BTreeMap::new() }
    }

    /// Takes the next piece and gives what may be shown. After a refusal nothing may follow.
    pub fn push(&mut self, piece: &str) -> Result<String, Refused> {
        self.arrived.push_str(piece);
        let done = self.stripping.strip(&self.guard.output, &self.arrived, links::End::Open, &mut self.stripped)?;
        self.arrived.drain(..done);
        let cut = cut::safe(&self.stripped, |text| self.guard.found_in_output(text, &self.request))?;
        let shown = self.show(cut)?;
        self.stripped.drain(..cut);
        Ok(shown)
    }

    /// The end: what was held, and what is to be reported of the whole answer.
    pub fn finish(mut self) -> Result<(String, Vec<Flag>), Refused> {
        let arrived = std::mem::take(&mut self.arrived);
        self.stripping.strip(&self.guard.output, &arrived, links::End::Whole, &mut self.stripped)?;
        let shown = self.show(self.stripped.len())?;
        self.stripping.count_into(&mut self.flags);
        Ok((shown, reported(self.flags)))
    }

    fn show(&mut self, end: usize) -> Result<String, Refused> {
        let text = &self.stripped[..end];
        Ok(self.guard.masked_output(text, &self.request, &mut self.flags)?.unwrap_or_else(|| text.to_owned()))
    }
}

#[cfg(test)]
mod tests;
