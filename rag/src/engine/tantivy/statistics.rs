//! The term statistics of a tenant, frozen: what BM25 weighs words by.
//!
//! They are taken over all of the tenant's passages and then stand still, so that a row which an asker cannot see changes
//! no score in his answer. Document frequencies are kept in a sketch of fixed size on a logarithmic scale: two rows of
//! counters, each holding the highest frequency of the words that fall on it, of which the lower one counts. A weight is
//! a logarithm of the frequency, so that steps of a tenth are fine enough, and a rare word is mistaken for a frequent one
//! only where it meets one in both rows.
//!
//! A file for each tenant stands beside the generation's index. A tenant without one is weighed by constants.

use super::schema::{Fields, KIND, PASSAGE, Part, word_prefix};
use ::tantivy::schema::IndexRecordOption;
use ::tantivy::{DocSet, Searcher, SegmentReader, TERMINATED};
use std::collections::HashMap;
use uuid::Uuid;

const ROWS: usize = 2;
const COUNTERS: usize = 32 * 1024;
/// A counter `n` stands for a frequency of this to the power of `n`.
const STEP: f64 = 1.1;
/// Of the file's format, and of the analysis that its words came from.
const MAGIC: &[u8; 8] = b"stwstat1";
const NUMBERS: usize = 1 + Part::ALL.len();
const FILE_BYTES: usize = MAGIC.len() + NUMBERS * 8 + ROWS * COUNTERS + blake3::OUT_LEN;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statistics {
    passages: u64,
    /// By [`Part`].
    words: [u64; 4],
    /// `None` for constants.
    frequencies: Option<Box<[u8]>>,
}

impl Statistics {
    /// For a tenant that was never frozen: every word weighs the same, and passages are of a usual length.
    pub(super) const CONSTANT: Self = Self { passages: 1, words: [5, 5, 60, 60], frequencies: None };

    pub(super) fn take(searcher: &Searcher, fields: &Fields, tenant: Uuid) -> ::tantivy::Result<Self> {
        let mut taken = Self { passages: 0, words: [0; 4], frequencies: None };
        let mut counts: HashMap<u64, u64> = HashMap::new();
        let prefix = word_prefix(tenant);
        // No byte of a word is 0xff.
        let end = [prefix.as_bytes(), &[0xff]].concat();
        for segment in searcher.segment_readers() {
            taken.add_lengths(segment, fields, tenant)?;
            for part in Part::ALL {
                let index = segment.inverted_index(fields.part(part))?;
                let mut terms = index.terms().range().ge(&prefix).lt(&end).into_stream()?;
                while terms.advance() {
                    let frequency = if segment.has_deletes() {
                        let mut postings = index.read_postings_from_terminfo(terms.value(), IndexRecordOption::Basic)?;
                        let mut alive = 0;
                        while postings.doc() != TERMINATED {
                            alive += u64::from(!segment.is_deleted(postings.doc()));
                            postings.advance();
                        }
                        alive
                    } else {
                        u64::from(terms.value().doc_freq)
                    };
                    *counts.entry(hash(part, &terms.key()[prefix.len()..])).or_default() += frequency;
                }
            }
        }
        let mut frequencies = vec![0_u8; ROWS * COUNTERS].into_boxed_slice();
        for (hash, frequency) in counts {
            for slot in slots(hash) {
                frequencies[slot] = frequencies[slot].max(level(frequency));
            }
        }
        taken.frequencies = Some(frequencies);
        Ok(taken)
    }

    fn add_lengths(&mut self, segment: &SegmentReader, fields: &Fields, tenant: Uuid) -> ::tantivy::Result<()> {
        let kinds = segment.fast_fields().u64(KIND)?;
        let lengths = Part::ALL.iter().map(|part| segment.get_fieldnorms_reader(fields.part(*part))).collect::<Result<Vec<_>, _>>()?;
        let postings = segment.inverted_index(fields.tenant)?.read_postings(&fields.tenant_term(tenant), IndexRecordOption::Basic)?;
        let Some(mut postings) = postings else { return Ok(()) };
        while postings.doc() != TERMINATED {
            let doc = postings.doc();
            if !segment.is_deleted(doc) && kinds.first(doc) == Some(PASSAGE) {
                self.passages += 1;
                for (sum, length) in self.words.iter_mut().zip(&lengths) {
                    *sum += u64::from(length.fieldnorm(doc));
                }
            }
            postings.advance();
        }
        Ok(())
    }

    /// What a word weighs by its rarity.
    pub(super) fn rarity(&self, part: Part, word: &str) -> f32 {
        let Some(frequencies) = &self.frequencies else { return 1.0 };
        let level = slots(hash(part, word.as_bytes())).map(|slot| frequencies.get(slot).copied().unwrap_or(0)).min().unwrap_or(0);
        self.weight(STEP.powi(i32::from(level)))
    }

    /// What the beginning of a word weighs, whatever it begins: as much as a word in one of 64 passages.
    pub(super) fn rarity_of_prefix(&self) -> f32 {
        if self.frequencies.is_none() {
            return 1.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "a weight, not a count")]
        self.weight((self.passages as f64 / 64.0).max(1.0))
    }

    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a weight, not a count")]
    fn weight(&self, frequency: f64) -> f32 {
        let passages = self.passages.max(1) as f64;
        let frequency = frequency.min(passages);
        ((passages - frequency + 0.5) / (frequency + 0.5)).ln_1p() as f32
    }

    /// Words of a passage on average.
    #[expect(clippy::cast_precision_loss, reason = "an average, not a count")]
    pub(super) fn length(&self, part: Part) -> f32 {
        (self.words[part as usize] as f32 / self.passages.max(1) as f32).max(1.0)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FILE_BYTES);
        bytes.extend(MAGIC);
        for number in [self.passages].into_iter().chain(self.words) {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.frequencies.iter().flatten());
        let sum = blake3::hash(&bytes);
        bytes.extend(sum.as_bytes());
        bytes
    }

    /// `None` for bytes that [`Self::to_bytes`] did not write.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (content, sum) = bytes.split_last_chunk::<{ blake3::OUT_LEN }>()?;
        if bytes.len() != FILE_BYTES || blake3::hash(content).as_bytes() != sum {
            return None;
        }
        let (numbers, frequencies) = content.strip_prefix(MAGIC)?.split_at(NUMBERS * 8);
        let mut numbers = numbers.as_chunks::<8>().0.iter().map(|number| u64::from_le_bytes(*number));
        let passages = numbers.next()?;
        let words: Vec<u64> = numbers.collect();
        Some(Self { passages, words: words.try_into().ok()?, frequencies: Some(frequencies.into()) })
    }
}

/// The same in every process and for ever: it is in files.
fn hash(part: Part, word: &[u8]) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[part as u8]);
    hasher.update(word);
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

fn slots(hash: u64) -> impl Iterator<Item = usize> {
    (0..ROWS).map(move |row| row * COUNTERS + usize::from((hash >> (16 * row)) as u16) % COUNTERS)
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float saturates as an integer")]
fn level(frequency: u64) -> u8 {
    ((frequency.max(1) as f64).ln() / STEP.ln()).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_back_what_was_taken_and_a_damaged_one_nothing() {
        let taken = Statistics { passages: 7, words: [1, 2, 3, 4], frequencies: Some(vec![3; ROWS * COUNTERS].into()) };
        let bytes = taken.to_bytes();
        assert_eq!(bytes.len(), FILE_BYTES);
        assert_eq!(Statistics::from_bytes(&bytes), Some(taken));
        for at in [0, 9, 5_000, FILE_BYTES - 1] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_eq!(Statistics::from_bytes(&damaged), None, "byte {at}");
        }
        assert_eq!(Statistics::from_bytes(&bytes[..FILE_BYTES - 1]), None);
        assert_eq!(Statistics::from_bytes(&[]), None);
    }

    #[test]
    fn frequencies_are_kept_to_a_twentieth_of_themselves() {
        for frequency in [1_u64, 2, 3, 10, 999, 123_456, 10_000_000] {
            let kept = STEP.powi(i32::from(level(frequency)));
            assert!((kept / frequency as f64 - 1.0).abs() < 0.05, "{frequency} is kept as {kept}");
        }
    }

    #[test]
    fn rare_words_weigh_more_and_every_word_weighs_something() {
        let statistics = Statistics { passages: 1_000, words: [0; 4], frequencies: Some(vec![0; ROWS * COUNTERS].into()) };
        assert!(statistics.rarity(Part::Text, "rare") > statistics.rarity_of_prefix());
        assert!(statistics.weight(1_000.0) > 0.0 && statistics.weight(1e9) > 0.0);
    }
}
