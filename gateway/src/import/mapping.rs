//! The mapping of foreign files to commands: a TOML file, checked when it is read.
//!
//! ```toml
//! source = "northwind"                       # names the former system in the external ids
//!
//! [[step]]                                   # steps run in their order
//! file = "products.csv"
//! resource = "inventory.item"                # its create command runs for each row
//! update = "inventory.item.update"           # for rows that changed since; without it they are reported
//! key = "product_id"                         # the external id
//! [step.inputs]
//! name = "product_name"                      # an input from a column
//! currency = { value = "USD" }               # a constant
//! discontinued = { column = "discontinued", map = { "1" = true, "0" = false } }
//! supplier = { column = "supplier_id", prefix = "SUP-", ref = "crm.party" }   # by external id
//!
//! [[step]]                                   # a command that follows up; recorded under its own name
//! file = "employees.csv"
//! command = "identity.user.set_manager"
//! key = "employee_id"
//! when = "reports_to"                        # only rows in which this column is filled
//! ```
//! Lines of a document come from a file of their own: `[step.lines.lines]` with `file`, `parent` (the key of the document)
//! and `inputs`. What an expression can do stands at [`Rule`].

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use steward_kernel::{Error, Result};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    pub source: String,
    /// Values that the caller may set, with their defaults. An empty one counts as absent.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
}

/// One command for each row of one file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Without a file the step runs once, with constants.
    #[serde(default)]
    pub file: String,
    /// The resource that the external ids are recorded for; without one they are recorded under the command's name.
    pub resource: Option<String>,
    /// The resource's create command unless given.
    pub command: Option<String>,
    /// Runs for a row whose content has changed.
    pub update: Option<String>,
    /// The external id.
    pub key: Expression,
    /// Only rows in which this column is filled.
    pub when: Option<String>,
    pub inputs: BTreeMap<String, Expression>,
    /// Lines of the document by the input that takes them.
    #[serde(default)]
    pub lines: BTreeMap<String, Lines>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lines {
    pub file: String,
    /// The external id of the document.
    pub parent: Expression,
    pub inputs: BTreeMap<String, Expression>,
}

/// A column by its name, or a rule.
#[derive(Clone, Debug)]
pub struct Expression(pub Rule);

/// Where a value comes from and what becomes of it. Parts apply in the order in which they stand here; a value that is
/// empty at the end is absent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    pub column: Option<String>,
    /// Several columns, joined by `separator`; empty ones are left out.
    pub columns: Vec<String>,
    pub separator: String,
    pub variable: Option<String>,
    /// A constant.
    pub value: Option<Value>,
    /// Chooses between `then` and `otherwise`: whether the text stands in a column of a file. Without it, `then` and
    /// `otherwise` choose by whether there is a text at all.
    pub listed_in: Option<Listed>,
    pub then: Option<Value>,
    /// Also for a text that `map` does not know.
    pub otherwise: Option<Value>,
    pub map: BTreeMap<String, Value>,
    /// Pairs of a text and its replacement.
    pub replace: Vec<(String, String)>,
    pub lower: bool,
    pub prefix: String,
    pub suffix: String,
    /// The form of a date, such as `%d.%m.%Y`.
    pub date: Option<String>,
    /// The decimal mark of a number whose groups are separated by the other one of `.` and `,`.
    pub decimal: Option<String>,
    /// An amount in this currency.
    pub money: Option<String>,
    /// A quantity in this unit; empty for the unit of the item.
    pub quantity: Option<String>,
    /// A record of this resource, by its external id.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// Instead of the external id: a field whose value names one record.
    pub by: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    pub file: String,
    pub column: String,
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not an untagged enum: its error would not say which key of a rule is wrong.
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(column) => Ok(Self(Rule { column: Some(column), ..Rule::default() })),
            rule @ toml::Value::Table(_) => Rule::deserialize(rule).map(Self).map_err(serde::de::Error::custom),
            _ => Err(serde::de::Error::custom("the name of a column or a rule is expected")),
        }
    }
}

impl Mapping {
    /// Reads a mapping; the error names the line.
    pub fn parse(text: &str) -> Result<Self> {
        let mapping: Self = toml::from_str(text).map_err(|error| Error::bad_request(format!("the mapping cannot be read: {error}")))?;
        if mapping.source.is_empty() || mapping.source.len() > 60 {
            return Err(Error::bad_request("the mapping needs a source of 1 to 60 characters"));
        }
        for step in &mapping.steps {
            if step.resource.is_none() && step.command.is_none() {
                return Err(Error::bad_request(format!("a step of {} names neither a resource nor a command", step.file)));
            }
        }
        Ok(mapping)
    }

    /// Every file that it reads.
    pub fn files(&self) -> BTreeSet<&str> {
        let mut files = BTreeSet::new();
        for step in &self.steps {
            files.extend(Some(step.file.as_str()).filter(|file| !file.is_empty()));
            let mut rules: Vec<&Rule> = step.inputs.values().map(|expression| &expression.0).collect();
            for lines in step.lines.values() {
                files.insert(lines.file.as_str());
                rules.extend(lines.inputs.values().map(|expression| &expression.0));
            }
            files.extend(rules.into_iter().filter_map(|rule| rule.listed_in.as_ref()).map(|listed| listed.file.as_str()));
        }
        files
    }
}
