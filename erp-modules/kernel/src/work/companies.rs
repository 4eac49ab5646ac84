//! For which companies a command works.
//!
//! A door checks the user's width on every row. A nested command has its caller's authority instead of the user's, and so
//! the companies of the caller's documents are its limit: the caller hands one on in the input that the callee declares
//! ([`crate::CommandSpec::for_company`]), and it can only hand on a company whose row it has itself locked or is about to
//! create. Rows without a company are shared by the tenant and lie within every limit.

use crate::catalogue::CommandSpec;
use crate::error::{Error, Result};
use serde_json::Value;
use std::collections::BTreeSet;
use uuid::Uuid;

/// The companies of the running command; a nested one has its own for its time.
#[derive(Debug, Default)]
pub(crate) struct Companies {
    limit: Limit,
    /// Of the rows that the command locked or is about to create: what it may hand on.
    met: BTreeSet<Uuid>,
}

#[derive(Clone, Debug, Default)]
enum Limit {
    /// Called by a door: the user's width is checked on each row.
    #[default]
    Door,
    /// A subscription, or called for a document that belongs to no company.
    Tenant,
    /// Called for documents of these companies.
    Of(BTreeSet<Uuid>),
}

impl Companies {
    /// Of a subscription, whose authority is its own.
    pub(crate) fn of_tenant() -> Self {
        Self { limit: Limit::Tenant, met: BTreeSet::new() }
    }

    /// Refuses a row of a company for which the command does not work.
    pub(crate) fn admit(&self, company: Option<Uuid>) -> Result<()> {
        match (&self.limit, company) {
            (Limit::Of(companies), Some(company)) if !companies.contains(&company) => {
                Err(Error::rule("kernel.foreign_company", "a record of another company than the document's would be needed"))
            }
            _ => Ok(()),
        }
    }

    /// The same for a row on which the user's width was checked where that is due: its company may be handed on.
    pub(crate) fn meet(&mut self, company: Option<Uuid>) -> Result<()> {
        self.admit(company)?;
        self.met.extend(company);
        Ok(())
    }

    /// The one company of the document, in a nested call.
    pub(crate) fn only(&self) -> Option<Uuid> {
        match &self.limit {
            Limit::Of(companies) if companies.len() == 1 => companies.first().copied(),
            _ => None,
        }
    }

    /// Those of a command that this one calls with `input`.
    pub(crate) fn handed_on(&self, callee: &CommandSpec, input: &Value) -> Result<Self> {
        let limit = match &callee.company {
            Some(name) => {
                let given = input.get(name.as_ref()).and_then(Value::as_str).and_then(|id| Uuid::try_parse(id).ok());
                let company = given.ok_or_else(|| Error::internal(format!("{} is called without its document's company", callee.name)))?;
                let held = match &self.limit {
                    Limit::Door => self.met.contains(&company),
                    Limit::Tenant => true,
                    Limit::Of(companies) => companies.contains(&company),
                };
                if !held {
                    return Err(Error::internal(format!("{} is called for a company of which its caller holds no document", callee.name)));
                }
                Limit::Of(BTreeSet::from([company]))
            }
            None => match &self.limit {
                Limit::Door if self.met.is_empty() => Limit::Tenant,
                Limit::Door => Limit::Of(self.met.clone()),
                limit => limit.clone(),
            },
        };
        Ok(Self { limit, met: BTreeSet::new() })
    }
}

#[cfg(test)]
mod tests;
