//! Texts in TREC's form: documents and topics between tags that are not closed as carefully as XML asks.
//!
//! ```text
//! <DOC><DOCNO> FT911-3 </DOCNO><HEADLINE>Wings</HEADLINE><TEXT>Lift …</TEXT></DOC>
//!
//! <top>
//! <num> Number: 301
//! <title> International Organized Crime
//! <desc> Description:
//! Identify organizations …
//! </top>
//! ```

use super::corpus::Entry;
use anyhow::{Context, Result, ensure};

const TITLES: [&str; 3] = ["headline", "title", "ttl"];
/// What stands before a topic's values, for people.
const WORDS: [&str; 4] = ["number:", "topic:", "description:", "narrative:"];

pub(super) fn documents(text: &str) -> Result<Vec<Entry>> {
    let blocks = blocks(text, "doc");
    ensure!(!blocks.is_empty(), "there is no <doc>");
    let entry = |(at, block): (usize, &str)| {
        let id = field(block, "docno").with_context(|| format!("document {} has no <docno>", at + 1))?;
        let title = TITLES.iter().find_map(|name| field(block, name)).unwrap_or_default();
        // A document without a text of its own is all that it holds.
        let body = all(block, "text");
        let body = if body.is_empty() { without_tags(block) } else { body };
        Ok(Entry { id, title, text: body })
    };
    blocks.into_iter().enumerate().map(entry).collect()
}

/// A topic's query is its title, as participants of TREC use it; where it has none, its description.
pub(super) fn topics(text: &str) -> Result<Vec<Entry>> {
    let blocks = blocks(text, "top");
    ensure!(!blocks.is_empty(), "there is no <top>");
    let entry = |(at, block): (usize, &str)| {
        let id = field(block, "num").with_context(|| format!("topic {} has no <num>", at + 1))?;
        let query = ["title", "desc"].iter().filter_map(|name| field(block, name)).find(|query| !query.is_empty());
        Ok(Entry { text: query.with_context(|| format!("topic {id} has neither a title nor a description"))?, id, title: String::new() })
    };
    blocks.into_iter().enumerate().map(entry).collect()
}

/// Where a tag of this name begins and where what it holds begins, from a place on. `name` is in lower case.
fn opening(text: &str, name: &str, from: usize) -> Option<(usize, usize)> {
    text[from..].match_indices('<').map(|(at, _)| from + at).find_map(|at| {
        let rest = &text[at + 1..];
        let is_it = rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        // `<doc>` is not `<docno>`; a tag may have attributes.
        let ends = is_it.then(|| &rest[name.len()..]).filter(|after| after.starts_with(|c: char| c == '>' || c.is_ascii_whitespace()))?;
        Some((at, text.len() - ends.len() + ends.find('>')? + 1))
    })
}

fn blocks<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some((_, begins)) = opening(text, name, from) {
        let ends = closing(text, name, begins).unwrap_or(text.len());
        found.push(&text[begins..ends]);
        from = ends;
    }
    found
}

fn closing(text: &str, name: &str, from: usize) -> Option<usize> {
    opening(text, &format!("/{name}"), from).map(|(at, _)| at)
}

/// The value of a tag: up to its end, or, where it is not closed, up to the next tag.
fn value<'a>(block: &'a str, name: &str, from: usize) -> Option<(&'a str, usize)> {
    let (_, begins) = opening(block, name, from)?;
    let next = block[begins..].find('<').map_or(block.len(), |at| begins + at);
    let ends = closing(block, name, begins).unwrap_or(next);
    Some((&block[begins..ends], ends))
}

fn field(block: &str, name: &str) -> Option<String> {
    value(block, name, 0).map(|(value, _)| plain(value))
}

/// All tags of a name, one after the other: long texts come in several.
fn all(block: &str, name: &str) -> String {
    let (mut texts, mut from) = (Vec::new(), 0);
    while let Some((value, ends)) = value(block, name, from) {
        texts.push(without_tags(value));
        from = ends;
    }
    texts.join("\n\n")
}

fn plain(value: &str) -> String {
    let text = without_tags(value);
    let word = WORDS.iter().find(|word| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)));
    word.map_or(text.as_str(), |word| text[word.len()..].trim_start()).to_owned()
}

/// Words with single blanks between them; a `<` that begins no tag stays.
fn without_tags(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        bare.push_str(&rest[..at]);
        let begins_a_tag = rest[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
        match rest[at..].find('>').filter(|_| begins_a_tag) {
            Some(ends) => {
                bare.push(' ');
                rest = &rest[at + ends + 1..];
            }
            None => {
                bare.push('<');
                rest = &rest[at + 1..];
            }
        }
    }
    bare.push_str(rest);
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, title: &str, text: &str) -> Entry {
        Entry { id: id.into(), title: title.into(), text: text.into() }
    }

    #[test]
    fn documents_are_read_with_their_titles_and_without_their_tags() {
        let read = documents(
            "<DOC>\n<DOCNO> FT911-3 </DOCNO>\n<HEADLINE>\nWings\n</HEADLINE>\n<TEXT>\nLift is <i>large</i>\nwhere 3 < 4.\n</TEXT>\n<TEXT>Drag</TEXT>\n</DOC>\n<doc><docno>2</docno><author>Ann</author> thin  plates</doc>",
        );
        // Without a text it is all that the document holds, its number included.
        assert_eq!(read.unwrap(), [entry("FT911-3", "Wings", "Lift is large where 3 < 4.\n\nDrag"), entry("2", "", "2 Ann thin plates")]);
        assert!(documents("{}").is_err() && documents("<doc>text</doc>").is_err());
    }

    #[test]
    fn topics_are_read_with_closed_tags_and_without() {
        let classic = "<top>\n<num> Number: 301\n<title> International Organized Crime\n\n<desc> Description:\nIdentify organizations.\n\n<narr> Narrative:\nAll.\n</top>\n<top><num>Number: 302<title><desc> Description: Polio</top>";
        assert_eq!(topics(classic).unwrap(), [entry("301", "", "International Organized Crime"), entry("302", "", "Polio")]);
        assert_eq!(topics("<top><num>1</num><title>what lifts a wing</title></top>").unwrap(), [entry("1", "", "what lifts a wing")]);
        assert!(format!("{:#}", topics("<top><num>7</top>").unwrap_err()).contains("topic 7"));
    }
}
