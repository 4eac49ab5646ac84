//! Collections with judgements: folders of BEIR (`corpus.jsonl`, `queries.jsonl`, `qrels.tsv` or `qrels/test.tsv`) and of TREC
//! (`documents.trec`, `topics.trec`, `qrels.txt`), or of the one with a part of the other. [`super::trec`] reads the latter's
//! texts.

use super::measure::Judged;
use super::trec;
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) text: String,
}

#[derive(Debug)]
pub(super) struct Corpus {
    pub(super) name: String,
    pub(super) documents: Vec<Entry>,
    /// Those with at least one judgement.
    pub(super) queries: Vec<(String, String)>,
    pub(super) judged: BTreeMap<String, Judged>,
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    title: Option<String>,
    text: String,
}

impl Corpus {
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).context("the corpus has no name")?;
        let documents = entries(folder, "corpus.jsonl", &DOCUMENTS, trec::documents)?;
        let judgements = ["qrels.tsv", "qrels/test.tsv", "qrels.txt", "qrels"].iter().map(|name| folder.join(name)).find(|file| file.is_file());
        let judged = judgements_of(&text(&judgements.context("the corpus has no qrels.tsv")?)?)?;
        let queries = entries(folder, "queries.jsonl", &TOPICS, trec::topics)?;
        let queries: Vec<(String, String)> = queries.into_iter().filter(|query| judged.contains_key(&query.id)).map(|query| (query.id, query.text)).collect();
        ensure!(!documents.is_empty() && !queries.is_empty(), "the corpus {name} has no documents or no judged queries");
        Ok(Self { name, documents, queries, judged })
    }

    /// The folders below `data` that are one.
    pub(super) fn below(data: &Path) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(data) else { return Vec::new() };
        let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|folder| is_one(folder)).collect();
        found.sort();
        found
    }
}

const DOCUMENTS: [&str; 3] = ["documents.trec", "docs.trec", "documents.xml"];
const TOPICS: [&str; 4] = ["topics.trec", "queries.trec", "topics.txt", "topics.xml"];

fn is_one(folder: &Path) -> bool {
    ["corpus.jsonl"].iter().chain(&DOCUMENTS).any(|name| folder.join(name).is_file())
}

/// From the lines of BEIR where they are, else from the first file of TREC that is.
fn entries(folder: &Path, beir: &str, others: &[&str], read: impl Fn(&str) -> Result<Vec<Entry>>) -> Result<Vec<Entry>> {
    let file = folder.join(beir);
    if file.is_file() {
        return lines(&text(&file)?).with_context(|| format!("{beir} cannot be read"));
    }
    let file = others.iter().map(|name| folder.join(name)).find(|file| file.is_file());
    let file = file.with_context(|| format!("the corpus has no {beir} and no {}", others[0]))?;
    read(&text(&file)?).with_context(|| format!("{} cannot be read", file.display()))
}

fn text(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))
}

fn lines(text: &str) -> Result<Vec<Entry>> {
    let full = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    full.map(|(at, line)| {
        let line: Line = serde_json::from_str(line).with_context(|| format!("line {}", at + 1))?;
        Ok(Entry { id: line.id, title: line.title.unwrap_or_default(), text: line.text })
    })
    .collect()
}

/// Three columns with a heading, as BEIR has them, or four without.
fn judgements_of(text: &str) -> Result<BTreeMap<String, Judged>> {
    let mut judged: BTreeMap<String, Judged> = BTreeMap::new();
    for (at, line) in text.lines().enumerate() {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (query, document, grade) = match columns.as_slice() {
            [] => continue,
            [query, document, grade] => (query, document, grade),
            [query, _, document, grade] => (query, document, grade),
            _ => bail!("line {} of the judgements has {} columns", at + 1, columns.len()),
        };
        match grade.parse::<f64>() {
            Ok(grade) => {
                judged.entry((*query).to_owned()).or_default().insert((*document).to_owned(), grade);
            }
            Err(_) if at == 0 => {}
            Err(_) => bail!("line {} of the judgements has the grade {grade:?}", at + 1),
        }
    }
    Ok(judged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judgements_are_read_in_both_forms() {
        let beir = judgements_of("query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t0\n\nq2\td1\t2\n").unwrap();
        let trec = judgements_of("q1 0 d1 1\nq1 0 d2 0\nq2 0 d1 2\n").unwrap();
        assert_eq!(beir, trec);
        assert_eq!(beir["q2"]["d1"], 2.0);
        assert!(judgements_of("q1 0 d1 1\nq1 0 d2 much\n").is_err());
        assert!(judgements_of("q1 d1\n").is_err());
    }

    #[test]
    fn documents_may_have_no_title_and_a_broken_line_is_told() {
        let read = lines("{\"_id\": \"1\", \"title\": \"Wings\", \"text\": \"lift\"}\n\n{\"_id\": \"2\", \"text\": \"drag\", \"metadata\": {}}\n").unwrap();
        assert_eq!(
            read,
            [Entry { id: "1".into(), title: "Wings".into(), text: "lift".into() }, Entry { id: "2".into(), title: String::new(), text: "drag".into() }]
        );
        assert!(format!("{:#}", lines("{}\n").unwrap_err()).contains("line 1"));
    }
}
