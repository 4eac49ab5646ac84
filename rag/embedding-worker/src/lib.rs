//! The process that computes embeddings.
//!
//! Start at [`run`]: it loads the [`model`], says hello, and answers requests from standard input on standard output
//! until the input ends, which it does with the process that started it, however that ends. A server starts it as
//! `steward worker embed`; the client's side is `steward_embedder::Worker`.
//!
//! It is a process of its own because the model and its runtime are large, take whole processors, and are no code of ours:
//! what goes wrong in here costs a search its vectors, never a server its life.
//!
//! Deliberately absent: configuration, secrets, the network, logs that hold texts.

pub mod model;

mod work;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use steward_embedder::protocol::{Reply, VERSION};
use steward_embedder::{DIMENSIONS, MODEL, frame};

use model::Model;

/// The worker's command line, read and written in this one place.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// ONNX Runtime's shared library.
    #[arg(long, value_name = "FILE")]
    pub library: PathBuf,
    /// The model, in the ONNX format.
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// The model's tokenizer, in JSON.
    #[arg(long, value_name = "FILE")]
    pub tokenizer: PathBuf,
    /// Threads that compute one batch.
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
}

impl Arguments {
    /// What to write after the program's name and its subcommand.
    #[must_use]
    pub fn to_command_line(&self) -> Vec<OsString> {
        let paths = [("--library", &self.library), ("--model", &self.model), ("--tokenizer", &self.tokenizer)];
        let mut line: Vec<OsString> = paths.into_iter().flat_map(|(name, path)| [name.into(), path.into()]).collect();
        line.extend(["--threads".into(), self.threads.to_string().into()]);
        line
    }
}

/// Serves whoever started this process, until standard input ends.
pub fn run(arguments: &Arguments) -> Result<()> {
    // At its finest level the tokenizer logs every letter of every text. What is ours logs through `tracing`.
    log::set_max_level(log::LevelFilter::Off);
    let mut output = io::stdout();
    let mut model = match Model::load(arguments) {
        Ok(model) => model,
        Err(error) => {
            say(&mut output, &Reply::Unable { message: format!("{error:#}") })?;
            return Err(error);
        }
    };
    say(&mut output, &Reply::Hello { version: VERSION, model: MODEL.to_owned(), dimensions: DIMENSIONS })?;
    work::until_input_ends(io::stdin(), output, move |texts: &[&str]| model.embed(texts))
}

pub(crate) fn say(output: &mut impl Write, reply: &Reply) -> Result<()> {
    let frame = frame::encode(reply)?;
    output.write_all(&frame).and_then(|()| output.flush()).context("nobody reads what is computed")
}
