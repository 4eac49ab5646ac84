//! What an import did: counts for each step, and its errors by file, row and column.

use crate::error::Problem;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use steward_kernel::Error;
use steward_kernel::error::FieldError;

/// Errors that are kept; the rest is counted.
const ERRORS_MAX: usize = 1_000;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    pub dry_run: bool,
    pub steps: Vec<StepReport>,
    pub errors: Vec<RowError>,
    /// Errors that are not listed because there are too many.
    pub errors_left_out: usize,
}

/// Counts of rows. In a dry run `created` and `updated` say what would be.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StepReport {
    pub file: String,
    pub command: String,
    pub rows: usize,
    pub created: usize,
    pub updated: usize,
    /// Brought in before, with the same content.
    pub unchanged: usize,
    pub failed: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RowError {
    pub file: String,
    /// As a spreadsheet counts: the headers are row 1. 0 concerns the whole file.
    pub row: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    pub code: Cow<'static, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'static, str>>,
    pub message: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldError>,
}

impl RowError {
    pub fn new(file: &str, row: usize, error: Error) -> Self {
        // The same way as an answer: what is our fault is logged, and nothing of it is told.
        let problem = Problem::from(error);
        problem.log();
        let (code, reason) = (Cow::Borrowed(problem.code), problem.reason.map(Cow::Borrowed));
        let message = if problem.status.as_u16() == 500 { "something went wrong on our side".to_owned() } else { problem.detail.into_owned() };
        Self { file: file.to_owned(), row, column: None, code, reason, message, fields: problem.fields }
    }
    #[must_use]
    pub fn column(mut self, column: Option<String>) -> Self {
        self.column = column;
        self
    }
}

/// The errors of one file as they come in: the first ones of the file are kept, of the others only how many there are.
#[derive(Clone, Debug, Default)]
pub(super) struct Errors {
    listed: Vec<RowError>,
    left_out: usize,
}

impl Errors {
    /// What an earlier attempt at the file had told.
    pub(super) fn of(report: Report) -> Self {
        Self { listed: report.errors, left_out: report.errors_left_out }
    }
    pub(super) fn add(&mut self, file: &str, more: impl IntoIterator<Item = RowError>) {
        self.listed.extend(more);
        // In the order of the file; errors of lines, which come from another one, stand at the end.
        self.listed.sort_by_key(|error| (error.file != file, error.row));
        self.left_out += self.listed.len().saturating_sub(ERRORS_MAX);
        self.listed.truncate(ERRORS_MAX);
    }
}

impl Report {
    pub(super) fn add(&mut self, step: StepReport, errors: Errors) {
        self.steps.push(step);
        let Errors { listed, left_out } = errors;
        let room = ERRORS_MAX.saturating_sub(self.errors.len());
        self.errors_left_out += left_out + listed.len().saturating_sub(room);
        self.errors.extend(listed.into_iter().take(room));
    }
    pub fn failed(&self) -> usize {
        self.steps.iter().map(|step| step.failed).sum()
    }
    /// Whether records were, or would be, written.
    pub fn changed(&self) -> usize {
        self.steps.iter().map(|step| step.created + step.updated).sum()
    }
}

impl std::fmt::Display for RowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, row {}", self.file, self.row)?;
        if let Some(column) = &self.column {
            write!(f, ", column {column}")?;
        }
        write!(f, ": {} ({})", self.message, self.code)?;
        for field in self.fields.iter().filter(|_| self.fields.len() > 1) {
            write!(f, "; {}: {}", field.field, field.message)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
