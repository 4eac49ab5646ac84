//! Reports: named questions with typed parameters and a table as their answer.

use crate::catalogue::ReportSpec;
use crate::command::Boxed;
use crate::error::{Error, Result};
use crate::read::Read;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::future::Future;
use std::marker::PhantomData;

/// The answer: rows of values in the order of the report's columns, in the wire form of their kinds. Columns whose
/// permission the asker lacks are taken out by the caller, so a report may fill them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Table {
    pub rows: Vec<Vec<Value>>,
    /// Sums under columns, `Null` where a column has none; empty if the report has no totals.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub totals: Vec<Value>,
}

/// A report. The struct is its parameters. Its SQL runs in the reader's transaction under the reader's row-level security.
pub trait Report: DeserializeOwned + Send + 'static {
    fn spec() -> ReportSpec;
    fn run(self, read: &mut Read) -> impl Future<Output = Result<Table>> + Send;
}

pub trait ErasedReport: Send + Sync {
    fn spec(&self) -> &ReportSpec;
    fn run<'a>(&'a self, read: &'a mut Read, parameters: Value) -> Boxed<'a, Result<Table>>;
}

pub(crate) struct TypedReport<R> {
    pub(crate) spec: ReportSpec,
    pub(crate) of: PhantomData<fn() -> R>,
}

impl<R: Report> ErasedReport for TypedReport<R> {
    fn spec(&self) -> &ReportSpec {
        &self.spec
    }
    fn run<'a>(&'a self, read: &'a mut Read, parameters: Value) -> Boxed<'a, Result<Table>> {
        Box::pin(async move {
            let report: R = serde_json::from_value(parameters).map_err(|error| Error::new(crate::Code::InvalidInput, error.to_string()))?;
            report.run(read).await
        })
    }
}
