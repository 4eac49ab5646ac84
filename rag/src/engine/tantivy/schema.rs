//! What a document of the index is.
//!
//! A record is one document for each passage; a record that is gone, or has nothing to find, is one document that only
//! keeps its version. Nothing is stored: a hit is read from columns.
//!
//! **Invariant:** every word and every scope in the index begins with the tenant's id, so that a search of one tenant
//! walks no list of another's.

use super::analysis::{Token, tokens};
use crate::engine::{State, Write};
use crate::passage::{Key, Passage, Record};
use ::tantivy::schema::{BytesOptions, Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions};
use ::tantivy::tokenizer::{Token as Indexed, TokenStream, Tokenizer, TokenizerManager};
use ::tantivy::{TantivyDocument, Term};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The indexed parts of a passage, each with lengths and frequencies of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Title,
    TitleStems,
    Text,
    TextStems,
}

impl Part {
    pub(super) const ALL: [Self; 4] = [Self::Title, Self::TitleStems, Self::Text, Self::TextStems];
}

/// What a document is of its record; the column `kind`.
pub(super) const PASSAGE: u64 = 0;
/// A live record without a passage.
pub(super) const BARE: u64 = 1;
pub(super) const TOMBSTONE: u64 = 2;

pub(super) const KEY: &str = "key";
pub(super) const VERSION: &str = "version";
pub(super) const KIND: &str = "kind";
const TOKENIZER: &str = "steward";

#[derive(Clone)]
pub(super) struct Fields {
    pub schema: Schema,
    /// Tenant, resource and id: what a write replaces.
    pub record: Field,
    pub tenant: Field,
    /// Tenant, resource and family.
    pub scope: Field,
    pub owner: Field,
    pub department: Field,
    pub company: Field,
    /// When a record was found to be gone, in milliseconds: what pruning goes by.
    pub gone_at: Field,
    key: Field,
    version: Field,
    kind: Field,
    parts: [Field; 4],
}

impl Fields {
    pub(super) fn new() -> Self {
        let mut schema = Schema::builder();
        let term = BytesOptions::default().set_indexed();
        let words = || {
            TextOptions::default().set_indexing_options(TextFieldIndexing::default().set_tokenizer(TOKENIZER).set_index_option(IndexRecordOption::WithFreqs))
        };
        let record = schema.add_bytes_field("record", term.clone());
        let tenant = schema.add_bytes_field("tenant", term.clone());
        let scope = schema.add_bytes_field("scope", term.clone());
        let owner = schema.add_bytes_field("owner", term.clone());
        let department = schema.add_bytes_field("department", term.clone());
        let company = schema.add_bytes_field("company", term.clone());
        let gone_at = schema.add_bytes_field("gone_at", term);
        let key = schema.add_bytes_field(KEY, BytesOptions::default().set_fast());
        let version = schema.add_i64_field(VERSION, NumericOptions::default().set_fast());
        let kind = schema.add_u64_field(KIND, NumericOptions::default().set_fast());
        let parts = ["title", "title_stems", "text", "text_stems"].map(|name| schema.add_text_field(name, words()));
        Self { schema: schema.build(), record, tenant, scope, owner, department, company, gone_at, key, version, kind, parts }
    }

    pub(super) fn part(&self, part: Part) -> Field {
        self.parts[part as usize]
    }

    pub(super) fn record_term(&self, tenant: Uuid, record: &Record) -> Term {
        Term::from_field_bytes(self.record, &record_bytes(tenant, &record.resource, Some(record.id)))
    }
    pub(super) fn tenant_term(&self, tenant: Uuid) -> Term {
        Term::from_field_bytes(self.tenant, tenant.as_bytes())
    }
    pub(super) fn scope_term(&self, tenant: Uuid, resource: &str, family: &str) -> Term {
        Term::from_field_bytes(self.scope, &scope_bytes(tenant, resource, family))
    }

    /// What replaces a record's documents.
    pub(super) fn documents(&self, write: &Write<Passage>, now: DateTime<Utc>) -> Vec<TantivyDocument> {
        let (passages, attributes) = match &write.state {
            State::Gone => {
                let mut document = self.document(write, TOMBSTONE);
                document.add_bytes(self.gone_at, &millis_bytes(now));
                return vec![document];
            }
            State::Live { passages, .. } if passages.is_empty() => return vec![self.document(write, BARE)],
            State::Live { passages, attributes } => (passages, attributes),
        };
        let one = |passage: &Passage| {
            let mut document = self.document(write, PASSAGE);
            document.add_bytes(self.scope, &scope_bytes(write.tenant, &write.record.resource, &passage.key.family));
            for (field, value) in [(self.owner, attributes.owner), (self.department, attributes.department), (self.company, attributes.company)] {
                if let Some(value) = value {
                    document.add_bytes(field, value.as_bytes());
                }
            }
            document.add_bytes(self.key, &key_bytes(&write.record, &passage.key));
            for (text, exact, stems) in [(&passage.title, Part::Title, Part::TitleStems), (&passage.text, Part::Text, Part::TextStems)] {
                let tokens = tokens(text);
                document.add_text(self.part(exact), indexed(write.tenant, &tokens, |token| &token.exact));
                document.add_text(self.part(stems), indexed(write.tenant, &tokens, |token| &token.stems));
            }
            document
        };
        passages.iter().map(one).collect()
    }

    fn document(&self, write: &Write<Passage>, kind: u64) -> TantivyDocument {
        let mut document = TantivyDocument::default();
        document.add_bytes(self.record, &record_bytes(write.tenant, &write.record.resource, Some(write.record.id)));
        document.add_bytes(self.tenant, write.tenant.as_bytes());
        document.add_i64(self.version, write.version);
        document.add_u64(self.kind, kind);
        document
    }
}

/// Words as the field's value: [`Words`] takes them apart again. A list of tokens as value would travel as JSON.
fn indexed(tenant: Uuid, tokens: &[Token], forms: impl Fn(&Token) -> &Vec<String>) -> String {
    let mut value = word_prefix(tenant);
    for form in tokens.iter().flat_map(forms) {
        value.push(' ');
        value.push_str(form);
    }
    value
}

/// The tokenizers that an index of these fields needs.
pub(super) fn tokenizers() -> TokenizerManager {
    // The default ones are asked for even by fields that use none.
    let tokenizers = TokenizerManager::default();
    tokenizers.register(TOKENIZER, Words);
    tokenizers
}

/// Words that were made before, behind the beginning that each of them gets.
#[derive(Clone)]
struct Words;

struct WordStream<'a> {
    prefix: &'a str,
    words: std::str::Split<'a, char>,
    token: Indexed,
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        let mut words = text.split(' ');
        WordStream { prefix: words.next().unwrap_or_default(), words, token: Indexed::default() }
    }
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        let Some(word) = self.words.next() else { return false };
        // Positions are not indexed, but they are added up.
        self.token.position = self.token.position.wrapping_add(1);
        self.token.text.clear();
        self.token.text.push_str(self.prefix);
        self.token.text.push_str(word);
        true
    }
    fn token(&self) -> &Indexed {
        &self.token
    }
    fn token_mut(&mut self) -> &mut Indexed {
        &mut self.token
    }
}

/// What every word of a tenant begins with.
pub(super) fn word_prefix(tenant: Uuid) -> String {
    tenant.simple().to_string()
}

/// The bytes by which a record is found; without an id the beginning that all records of the resource share.
pub(super) fn record_bytes(tenant: Uuid, resource: &str, id: Option<Uuid>) -> Vec<u8> {
    let mut bytes = [tenant.as_bytes(), resource.as_bytes(), &[0]].concat();
    bytes.extend(id.iter().flat_map(|id| id.as_bytes()));
    bytes
}

fn scope_bytes(tenant: Uuid, resource: &str, family: &str) -> Vec<u8> {
    [tenant.as_bytes(), resource.as_bytes(), &[0], family.as_bytes()].concat()
}

/// So that bytes sort as times do. Before 1970 there is nothing.
pub(super) fn millis_bytes(time: DateTime<Utc>) -> [u8; 8] {
    u64::try_from(time.timestamp_millis()).unwrap_or(0).to_be_bytes()
}

/// The bytes of keys sort as the keys do, so that a column of them is also their order.
fn key_bytes(record: &Record, key: &Key) -> Vec<u8> {
    let ordinal = key.ordinal.to_be_bytes();
    [record.resource.as_bytes(), &[0], record.id.as_bytes(), key.family.as_bytes(), &[0], key.field.as_bytes(), &[0], &ordinal].concat()
}

/// `None` for bytes that are no key.
pub(super) fn key_of(bytes: &[u8]) -> Option<Key> {
    let (resource, rest) = name(bytes)?;
    let (id, rest) = rest.split_first_chunk::<16>()?;
    let (family, rest) = name(rest)?;
    let (field, rest) = name(rest)?;
    let ordinal = u32::from_be_bytes(rest.try_into().ok()?);
    Some(Key { record: Record { resource, id: Uuid::from_bytes(*id) }, family, field, ordinal })
}

fn name(bytes: &[u8]) -> Option<(String, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?.to_owned(), &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_keys_sort_as_the_keys_do_and_give_them_back() {
        let mut keys = Vec::new();
        for resource in ["a.b", "a.b.c", "a"] {
            for id in [Uuid::nil(), Uuid::max(), Uuid::from_u128(7)] {
                for (family, field) in [("", ""), ("x:y:z", ""), ("", "notes"), ("x", "notés")] {
                    let key = |ordinal| Key { record: Record { resource: resource.into(), id }, family: family.into(), field: field.into(), ordinal };
                    keys.extend([key(300), key(0), key(u32::MAX)]);
                }
            }
        }
        let mut bytes: Vec<_> = keys.iter().map(|key| key_bytes(&key.record, key)).collect();
        keys.sort();
        bytes.sort();
        assert_eq!(bytes.iter().map(|bytes| key_of(bytes).unwrap()).collect::<Vec<_>>(), keys);
        assert_eq!(key_of(b"a\0short"), None);
    }
}
