//! What may pass to a model and back: personal data, secrets, a tenant's own words, hidden characters, instructions in foreign texts.
//!
//! Start at [`Guard::mask`]: the texts of one request go in, and come back with placeholders for everything that the tenant wants
//! masked; the [`Placeholders`] put the values back into the answer, in texts ([`stream`]) and in the arguments of tool calls
//! ([`arguments`]). [`output`] looks at what a model says of its own accord, [`sanitise`] takes out what people cannot see,
//! [`injection`] says how much a text looks like instructions to the model. Sanitise first: what is hidden in a value would hide it.
//!
//! What is absent: when each is done and for which target. A target inside this process may get clear text.
//!
//! **Invariant:** everything fails closed. What cannot be looked at is [`Refused`], never passed on in clear text, and neither a
//! refusal nor the debug output of anything here holds a text or a value.

pub mod arguments;
mod detect;
pub mod injection;
mod json;
mod mask;
pub mod output;
mod restore;
mod rules;
pub mod sanitise;
pub mod stream;

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::ops::Range;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

pub use detect::Class;
pub use mask::{Flag, Masked, Piece};
pub use restore::Placeholders;
pub use rules::{Invalid, Rule};

use self::rules::Rules;

/// What is done with something that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing.
    Ignore,
    /// It passes and is reported.
    Flag,
    /// It is replaced.
    Mask,
    /// The whole request or answer is refused.
    Refuse,
}

/// What a tenant wants guarded.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GuardConfig {
    /// What is done with each class on the way to a model; a class that is not named is masked.
    pub classes: BTreeMap<Class, Action>,
    /// The tenant's own rules.
    pub rules: Vec<Rule>,
    /// Values that are let through although a class finds them, and domains of addresses, written `@example.org`.
    pub allow: Vec<String>,
    /// The bytes of one request's texts; more is refused.
    pub text_bytes_max: usize,
    /// The bytes that the rules' regular expressions may search for one request, each counted by itself; more is refused.
    pub regex_bytes_max: usize,
    /// The time that they may take for one request; longer is refused.
    pub regex_ms_max: u32,
    /// What is done with a model's own words.
    pub output: output::OutputConfig,
}

impl Default for GuardConfig {
    fn default() -> Self {
        Self {
            classes: BTreeMap::new(),
            rules: Vec::new(),
            allow: Vec::new(),
            text_bytes_max: 4 * 1024 * 1024,
            regex_bytes_max: 64 * 1024 * 1024,
            regex_ms_max: 500,
            output: output::OutputConfig::default(),
        }
    }
}

/// The fingerprint of a guard: two guards that would do the same have the same. Part of the key of every cached answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version([u8; 32]);

impl Version {
    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({:02x}{:02x}{:02x}{:02x})", self.0[0], self.0[1], self.0[2], self.0[3])
    }
}

/// Why something does not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A rule of the tenant or a class forbids it.
    #[error("the text holds something that the rule {rule} forbids")]
    Forbidden {
        /// The rule's name or the class's code.
        rule: String,
    },
    /// More text than is looked at.
    #[error("the text is too long to be looked at")]
    TooLong,
    /// Text whose meaning cannot be told, such as broken escapes.
    #[error("the text cannot be read")]
    Unreadable,
    /// Masking would not have been complete.
    #[error("the text could not be masked completely")]
    Incomplete,
}

impl Refused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Forbidden { .. } => "guard_forbidden",
            Self::TooLong => "guard_too_long",
            Self::Unreadable => "guard_unreadable",
            Self::Incomplete => "guard_incomplete",
        }
    }
}

/// Something found in a text, and what is to be done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    range: Range<usize>,
    class: Class,
    rule: Option<usize>,
    action: Action,
}

/// A tenant's guard, compiled.
pub struct Guard {
    actions: [Action; Class::ALL.len()],
    rules: Rules,
    text_bytes_max: usize,
    regex_bytes_max: usize,
    regex_time_max: Duration,
    output: output::OutputConfig,
    version: Version,
}

impl Guard {
    /// Compiles the configuration.
    pub fn new(config: &GuardConfig) -> Result<Self, Invalid> {
        let actions = Class::ALL.map(|class| config.classes.get(&class).copied().unwrap_or(Action::Mask));
        let mut hasher = blake3::Hasher::new();
        // Its maps are ordered, so the same content is written alike.
        hasher.update(b"guard 1\n").update(&serde_json::to_vec(config).map_err(|_| Invalid::Unreadable)?);
        Ok(Self {
            actions,
            rules: Rules::compile(&config.rules, &config.allow)?,
            text_bytes_max: config.text_bytes_max,
            regex_bytes_max: config.regex_bytes_max,
            regex_time_max: Duration::from_millis(config.regex_ms_max.into()),
            output: config.output.clone(),
            version: Version(*hasher.finalize().as_bytes()),
        })
    }

    /// Its fingerprint.
    pub fn version(&self) -> Version {
        self.version
    }

    fn action(&self, class: Class) -> Action {
        self.actions.get(class as usize).copied().unwrap_or(Action::Refuse)
    }

    fn name(&self, finding: &Finding) -> String {
        finding.rule.map_or_else(|| finding.class.code().to_owned(), |rule| self.rules.name(rule).to_owned())
    }

    /// What is found by the classes, and with `rules` by the tenant's rules as well: in order, without overlaps, nothing that is
    /// ignored or allowed.
    ///
    /// `known` takes all values that the classes find, whatever is done with them.
    fn findings(&self, text: &str, with: With, known: &mut HashSet<String>) -> Result<Vec<Finding>, Refused> {
        let mut built_in = Vec::new();
        detect::find(text, &mut built_in);
        known.extend(built_in.iter().map(|found| text[found.range.clone()].to_owned()));
        let of_class = |found: detect::Found| Finding { action: self.action(found.class), range: found.range, class: found.class, rule: None };
        let mut findings: Vec<_> = built_in.into_iter().map(of_class).collect();
        if let With::Rules { until } = with {
            self.rules.find(text, until, &mut findings)?;
        }
        findings.retain(|finding| finding.action != Action::Ignore && !self.rules.allows(&text[finding.range.clone()], finding.class));
        Ok(united(findings))
    }
}

/// Which detectors look at a text.
#[derive(Clone, Copy, Debug)]
enum With {
    /// Only the built-in classes.
    Classes,
    /// A tenant's rules as well, as long as there is time.
    Rules { until: Instant },
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("version", &self.version).finish_non_exhaustive()
    }
}

/// Findings that overlap become one, with the strictest action, so that no rest of one shows beside the other.
fn united(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| (finding.range.start, std::cmp::Reverse(finding.range.end)));
    let mut united: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings {
        match united.last_mut() {
            Some(last) if finding.range.start < last.range.end => {
                let end = last.range.end.max(finding.range.end);
                if finding.action > last.action {
                    (last.action, last.class, last.rule) = (finding.action, finding.class, finding.rule);
                }
                last.range.end = end;
            }
            _ => united.push(finding),
        }
    }
    united
}

#[cfg(test)]
mod tests;
