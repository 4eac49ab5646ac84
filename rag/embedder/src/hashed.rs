//! Vectors without a model, for tests and benchmarks: the same on every machine, and near where words are shared.
//!
//! A text's vector is the sum of the directions of its words, and, with less weight, of the beginnings of its words, so
//! that "invoice" is near "invoices". A word's direction is drawn from a hash of it; directions of different words are as
//! good as perpendicular. Nothing of meaning is known: "car" is as far from "automobile" as from "invoice".

use async_trait::async_trait;

use crate::{DIMENSIONS, Embedder, Error, Health, Purpose, State, shortened};

const STEM_CHARS: usize = 5;
const STEM_WEIGHT: f32 = 0.5;

#[derive(Clone, Copy, Debug, Default)]
pub struct Hashed;

#[async_trait]
impl Embedder for Hashed {
    fn model(&self) -> &'static str {
        "hashed-words/1"
    }

    async fn embed(&self, texts: Vec<String>, _: Purpose) -> Result<Vec<Vec<f32>>, Error> {
        Ok(texts.iter().map(|text| vector(text)).collect())
    }

    fn health(&self) -> Health {
        Health::resting(State::Up)
    }
}

fn vector(text: &str) -> Vec<f32> {
    let mut sum = vec![0.0; DIMENSIONS];
    let words = shortened(text).split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    for word in words {
        let word = word.to_lowercase();
        add(&mut sum, "word", &word, 1.0);
        let stem: String = word.chars().take(STEM_CHARS).collect();
        add(&mut sum, "stem", &stem, STEM_WEIGHT);
    }
    let length = |vector: &[f32]| vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    // A text without words has a direction of its own.
    if length(&sum) < f32::EPSILON {
        add(&mut sum, "none", "", 1.0);
    }
    let length = length(&sum);
    sum.iter_mut().for_each(|value| *value /= length);
    sum
}

fn add(sum: &mut [f32], kind: &str, word: &str, weight: f32) {
    let mut bytes = [0; DIMENSIONS];
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.as_bytes()).update(&[0]).update(word.as_bytes());
    hasher.finalize_xof().fill(&mut bytes);
    for (value, byte) in sum.iter_mut().zip(bytes) {
        *value += weight * (f32::from(byte) - 127.5) / 127.5;
    }
}
