//! What the author of a module writes: commands, queries between modules, and the rows that commands lock.

use crate::catalogue::CommandSpec;
use crate::error::{Error, Result};
use crate::work::Work;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use uuid::Uuid;

pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A record by its resource and id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reference {
    pub resource: String,
    pub id: Uuid,
}

/// What a command did. Stored with the idempotency key, so it holds references and plain facts, never rows: rows are
/// re-read under the rights of whoever asks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// The record that the command was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<Reference>,
    /// Facts that every reader of the command may know, such as counts. `Null` if none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
    /// Shown once to the caller and never stored, such as a new API key.
    #[serde(skip)]
    pub secret: Option<Value>,
    /// The command that takes this one back, with its arguments.
    #[serde(skip)]
    pub undo: Option<(String, Value)>,
}

impl Outcome {
    pub fn of(resource: &str, id: impl Into<Uuid>) -> Self {
        Self { primary: Some(Reference { resource: resource.into(), id: id.into() }), ..Self::default() }
    }
    pub fn nothing() -> Self {
        Self::default()
    }
    #[must_use]
    pub fn data(mut self, data: Value) -> Self {
        self.data = data;
        self
    }
    #[must_use]
    pub fn secret(mut self, secret: Value) -> Self {
        self.secret = Some(secret);
        self
    }
    /// `command` with `input` takes this one back. Recorded with the execution and offered for undo.
    #[must_use]
    pub fn undo(mut self, command: &str, input: Value) -> Self {
        self.undo = Some((command.into(), input));
        self
    }
}

/// Something that can be done. One file each; the struct is the input, decoded after the schema of [`CommandSpec`] was
/// checked. Carry `#[serde(deny_unknown_fields)]`: a test holds struct and schema to each other.
pub trait Command: DeserializeOwned + Send + 'static {
    fn spec() -> CommandSpec;
    fn handle(self, work: &mut Work) -> impl Future<Output = Result<Outcome>> + Send;
    /// Slow work that needs the input alone, such as hashing a password: the bus does it before the unit of work opens,
    /// once it is known that the asker may run the command, and not at all in a preview. The handler takes the result
    /// with [`Work::take_prepared`]. The input is as it came, not checked yet: `None` where there is nothing to do.
    fn prepare(_input: &Value) -> Option<Boxed<'_, Result<Value>>> {
        None
    }
}

/// A question that other modules may ask by name (`work.ask`), answered with the asking command's authority.
pub trait Query: DeserializeOwned + Send + 'static {
    const NAME: &'static str;
    type Answer: Serialize + Send;
    fn answer(self, work: &mut Work) -> impl Future<Output = Result<Self::Answer>> + Send;
}

/// The columns that place a row in a scope.
#[derive(Clone, Copy, Debug, Default)]
pub struct RowScope {
    pub owner: Option<Uuid>,
    pub department: Option<Uuid>,
    pub company: Option<Uuid>,
}

/// A row that a command may lock with [`Work::lock`], which checks the user's scope in the same call.
pub trait Entity: Sized + Send {
    const RESOURCE: &'static str;
    fn id(&self) -> Uuid;
    fn version(&self) -> i64;
    fn scope(&self) -> RowScope;
    /// `SELECT … FOR UPDATE` by tenant and id.
    fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> impl Future<Output = Result<Option<Self>>> + Send;
}

/// The command without its type: what the bus keeps.
pub trait ErasedCommand: Send + Sync {
    fn spec(&self) -> &CommandSpec;
    /// Decodes without running: for the test that holds struct and schema to each other.
    fn check(&self, input: Value) -> Result<()>;
    /// See [`Command::prepare`].
    fn prepare<'a>(&self, input: &'a Value) -> Option<Boxed<'a, Result<Value>>>;
    fn run<'a>(&'a self, work: &'a mut Work, input: Value) -> Boxed<'a, Result<Outcome>>;
}

pub(crate) struct Typed<C> {
    pub(crate) spec: CommandSpec,
    pub(crate) of: PhantomData<fn() -> C>,
}

fn decode<C: DeserializeOwned>(input: Value) -> Result<C> {
    // The schema was checked before: what fails here is a rule of the type, and its text is ours.
    serde_json::from_value(input).map_err(|error| Error::new(crate::Code::InvalidInput, error.to_string()))
}

impl<C: Command> ErasedCommand for Typed<C> {
    fn spec(&self) -> &CommandSpec {
        &self.spec
    }
    fn check(&self, input: Value) -> Result<()> {
        decode::<C>(input).map(drop)
    }
    fn prepare<'a>(&self, input: &'a Value) -> Option<Boxed<'a, Result<Value>>> {
        C::prepare(input)
    }
    fn run<'a>(&'a self, work: &'a mut Work, input: Value) -> Boxed<'a, Result<Outcome>> {
        Box::pin(async move { decode::<C>(input)?.handle(work).await })
    }
}

/// The query without its type.
pub trait ErasedQuery: Send + Sync {
    fn name(&self) -> &'static str;
    fn run<'a>(&'a self, work: &'a mut Work, input: Value) -> Boxed<'a, Result<Value>>;
}

pub(crate) struct TypedQuery<Q>(pub(crate) PhantomData<fn() -> Q>);

impl<Q: Query> ErasedQuery for TypedQuery<Q> {
    fn name(&self) -> &'static str {
        Q::NAME
    }
    fn run<'a>(&'a self, work: &'a mut Work, input: Value) -> Boxed<'a, Result<Value>> {
        Box::pin(async move {
            let answer = decode::<Q>(input)?.answer(work).await?;
            serde_json::to_value(answer).map_err(|error| Error::internal("could not encode an answer").with_source(error))
        })
    }
}
