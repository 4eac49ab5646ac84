//! The model, loaded once, and its arithmetic.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use fastembed::{InitOptionsUserDefined, Pooling, QuantizationMode, TextEmbedding, TokenizerFiles, UserDefinedEmbeddingModel};
use ort::ep::CPU;
use steward_embedder::{DIMENSIONS, TOKENS_MAX};

use crate::Arguments;

/// The loaded model.
pub struct Model {
    session: TextEmbedding,
}

impl Model {
    /// Loads the model and has it embed a word: what was loaded is known to work.
    pub fn load(arguments: &Arguments) -> Result<Self> {
        // Otherwise the first use of a library that is missing would panic.
        let builder = ort::init_from(&arguments.library).with_context(|| format!("{} cannot be loaded", arguments.library.display()))?;
        let environment = builder.with_name("steward").with_telemetry(false).build().context("ONNX Runtime does not start")?;

        // The package of the model brings one of the four files that are asked for; the others say only this.
        let files = TokenizerFiles {
            tokenizer_file: read(&arguments.tokenizer)?,
            config_file: br#"{"pad_token_id":0}"#.to_vec(),
            special_tokens_map_file: br#"{"unk_token":"[UNK]","sep_token":"[SEP]","pad_token":"[PAD]","cls_token":"[CLS]","mask_token":"[MASK]"}"#.to_vec(),
            tokenizer_config_file: br#"{"model_max_length":512,"pad_token":"[PAD]"}"#.to_vec(),
        };
        // The weights have eight bits and the arithmetic is that of floats: results do not depend on the batch, which is what
        // `None` stands for.
        let model = UserDefinedEmbeddingModel::new(read(&arguments.model)?, files).with_pooling(Pooling::Mean).with_quantization(QuantizationMode::None);
        let options = InitOptionsUserDefined::new()
            .with_environment(environment)
            // An arena keeps the memory of the largest batch for ever.
            .with_execution_providers(vec![CPU::default().with_arena_allocator(false).build()])
            // Threads that spin while there is nothing to do would take the processor from the server.
            .with_session_config("session.intra_op.allow_spinning", "0")
            .with_intra_threads(arguments.threads)
            .with_max_length(TOKENS_MAX);
        let session = TextEmbedding::try_new_from_user_defined(model, options).context("the embedding model cannot be loaded")?;
        let mut loaded = Self { session };
        loaded.embed(&["word"]).context("the embedding model does not work")?;
        Ok(loaded)
    }

    /// One vector of unit length for each text, computed as one batch.
    pub fn embed<S: AsRef<str> + Send + Sync>(&mut self, texts: &[S]) -> Result<Vec<Vec<f32>>> {
        let vectors = self.session.embed(texts, None)?;
        ensure!(vectors.len() == texts.len(), "the model answered {} vectors for {} texts", vectors.len(), texts.len());
        for vector in &vectors {
            ensure!(vector.len() == DIMENSIONS, "the model answered a vector of {} dimensions instead of {DIMENSIONS}", vector.len());
            let square: f32 = vector.iter().map(|value| value * value).sum();
            // Not a number is not near anything either.
            ensure!((square - 1.0).abs() < 0.01, "the model answered a vector that is not of unit length");
        }
        Ok(vectors)
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
