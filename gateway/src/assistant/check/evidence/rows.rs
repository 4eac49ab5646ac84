//! Which record a figure belongs to: a sentence that names a record of a result takes its figures from that record.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

/// A row of a result, by the names that a sentence may call it by.
#[derive(Debug, Default)]
pub(super) struct Row {
    result: usize,
    /// What the row itself is called: its title, or what it groups by.
    titles: Vec<String>,
    /// What it is about: records that it refers to, and those that the query was narrowed to.
    about: Vec<String>,
}

#[derive(Debug, Default)]
pub(in crate::assistant::check) struct Rows {
    rows: Vec<Row>,
    results: usize,
}

/// The rows that a sentence names; none means that it names nothing, and any row may be meant.
#[derive(Debug, Default)]
pub(in crate::assistant::check) struct Named(HashSet<usize>);

/// Rows that have a name, and whether as their own title.
type Bearers = Vec<(usize, bool)>;

/// Whether a text can be the name of a record in a sentence: words, or the number of a document.
fn is_name(text: &str) -> bool {
    let is_number = text.chars().all(|c| c.is_ascii_digit());
    if is_number { text.len() >= 4 } else { text.chars().filter(|c| c.is_alphabetic()).count() >= 3 }
}

impl Rows {
    /// A new result; its rows come next.
    pub(super) fn begin(&mut self) {
        self.results += 1;
    }

    pub(super) fn add(&mut self, titles: Vec<String>, about: Vec<String>) -> usize {
        let lower = |names: Vec<String>| names.into_iter().map(|name| name.to_lowercase()).filter(|name| is_name(name)).collect();
        self.rows.push(Row { result: self.results, titles: lower(titles), about: lower(about) });
        self.rows.len() - 1
    }

    /// `sentence` is in lower case.
    pub(in crate::assistant::check) fn named(&self, sentence: &str) -> Named {
        // Longer names first: "Chai" does not stand in "Chai Tea".
        let mut names: BTreeMap<(Reverse<usize>, &str), Bearers> = BTreeMap::new();
        for (at, row) in self.rows.iter().enumerate() {
            for (name, is_title) in row.titles.iter().map(|name| (name, true)).chain(row.about.iter().map(|name| (name, false))) {
                names.entry((Reverse(name.len()), name)).or_default().push((at, is_title));
            }
        }
        let mut rest = sentence.to_owned();
        let (mut by_title, mut by_what) = (HashSet::new(), HashSet::new());
        for ((_, name), rows) in names {
            if !take(&mut rest, name) {
                continue;
            }
            for (row, is_title) in rows {
                if is_title {
                    by_title.insert(row)
                } else {
                    by_what.insert(row)
                };
            }
        }
        // Where a row is called by its own name, the others of its result are not meant.
        let called: HashSet<usize> = by_title.iter().map(|row| self.rows[*row].result).collect();
        by_what.retain(|row| !called.contains(&self.rows[*row].result));
        by_title.extend(by_what);
        Named(by_title)
    }

    /// Whether a sentence that names these rows may take a figure from this one.
    pub(in crate::assistant::check) fn may_tell(&self, named: &Named, row: Option<usize>) -> bool {
        let Some(row) = row else { return true };
        let is_nameless = self.rows.get(row).is_none_or(|row| row.titles.is_empty() && row.about.is_empty());
        named.0.is_empty() || is_nameless || named.0.contains(&row)
    }
}

/// Takes the name out of the sentence wherever it stands between the borders of words.
fn take(sentence: &mut String, name: &str) -> bool {
    let (mut from, mut taken) = (0, false);
    while let Some(start) = sentence[from..].find(name).map(|offset| from + offset) {
        let end = start + name.len();
        let is_apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        if is_apart(sentence[..start].chars().next_back()) && is_apart(sentence[end..].chars().next()) {
            sentence.replace_range(start..end, "·");
            (from, taken) = (start + "·".len(), true);
        } else {
            from = start + sentence[start..].chars().next().map_or(1, char::len_utf8);
        }
    }
    taken
}
