//! Questions in the wordings of people, in English and German, answered by the planner alone: each against SQL.
//!
//! An answer is good when its figures are those of SQL and no others, or when it names the records of SQL and no others of
//! their kind. What cannot be answered gets no figure at all.

mod english;
mod german;

use crate::app::{TestApp, User};
use crate::chat::{Told, ask};
use crate::company::{Company, Files};
use rust_decimal::Decimal;
use serde_json::json;

/// What SQL says.
#[derive(Clone, Copy)]
enum Truth {
    /// One figure.
    Figure(&'static str),
    /// All of these texts and, of the second query, no others.
    Names(&'static str, &'static str),
    /// These texts in this order, and none else of the second query.
    Ranked(&'static str, &'static str),
    /// The text somewhere in the answer.
    Says(&'static str),
}

use Truth::{Figure, Names, Ranked, Says};

/// Wordings of one question.
type Family = (Truth, &'static [&'static str]);

const ITEMS: &str = "SELECT name FROM inventory_item ORDER BY length(name) DESC";
const PARTIES: &str = "SELECT name FROM crm_party ORDER BY length(name) DESC";
const USERS: &str = "SELECT name FROM identity_user ORDER BY length(name) DESC";
const ORDERS: &str = "SELECT number FROM sales_order";
const CATEGORIES: &str = "SELECT name FROM inventory_category";
const COUNTRIES: &str = "SELECT DISTINCT country FROM crm_party";

async fn texts(company: &Company, sql: &str) -> Vec<String> {
    let sql = format!("SELECT regexp_replace(x::text, ' +', ' ', 'g') FROM ({sql}) AS q (x)");
    company.app.column(&company.tenant, &sql).await
}

fn figures(told: &Told) -> Vec<Decimal> {
    let figures = told.done["figures"].as_array().unwrap();
    figures.iter().filter_map(|figure| figure["value"].as_str()?.parse::<Decimal>().ok()).map(|value| value.normalize()).collect()
}

/// The names of a universe that stand in an answer, in the order in which they do. A name inside another does not count.
fn mentioned(answer: &str, universe: &[String]) -> Vec<String> {
    let mut rest = answer.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut longest: Vec<&String> = universe.iter().collect();
    longest.sort_by_key(|name| std::cmp::Reverse(name.len()));
    for name in longest {
        let alone = |rest: &str, at: usize| {
            let part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            !part(rest[..at].chars().next_back()) && !part(rest[at + name.len()..].chars().next())
        };
        let places: Vec<usize> = rest.match_indices(name.as_str()).map(|(at, _)| at).filter(|at| alone(&rest, *at)).collect();
        for at in places {
            found.push((at, name.clone()));
            rest.replace_range(at..at + name.len(), &"·".repeat(name.len() / 2).chars().chain(" ".repeat(name.len() % 2).chars()).collect::<String>());
        }
    }
    found.sort();
    found.dedup_by(|one, other| one.1 == other.1);
    found.into_iter().map(|(_, name)| name).collect()
}

/// `None` when the answer is good, else what was wanted.
async fn wrong(company: &Company, truth: Truth, question: &str, told: &Told) -> Option<String> {
    match truth {
        Figure(sql) => {
            let wanted: Vec<Decimal> = texts(company, sql).await.iter().map(|text| text.parse::<Decimal>().unwrap().normalize()).collect();
            // The number of a record that was asked about is its name.
            let mut told = figures(told);
            told.retain(|figure| wanted.contains(figure) || !question.contains(&figure.to_string()));
            (told != wanted).then(|| format!("{wanted:?}"))
        }
        Names(sql, universe) | Ranked(sql, universe) => {
            let universe = texts(company, universe).await;
            let mut wanted = texts(company, sql).await;
            let asked = mentioned(question, &universe);
            let mut said = mentioned(&told.answer, &universe);
            said.retain(|name| wanted.contains(name) || !asked.contains(name));
            if let Names(..) = truth {
                wanted.sort();
                said.sort();
            }
            (said != wanted).then(|| format!("{wanted:?}"))
        }
        Says(sql) => {
            let wanted = texts(company, sql).await;
            let answer = told.answer.split_whitespace().collect::<Vec<_>>().join(" ");
            (wanted.is_empty() || wanted.iter().any(|text| !answer.contains(text.as_str()))).then(|| format!("{wanted:?}"))
        }
    }
}

/// A company whose names are as untidy as real ones.
async fn company() -> Company {
    let files = Files::small();
    files.edit("customers.csv", "VINET,Vins et alcools Chevalier", "VINET,Vins  et alcools Chevalier");
    Company::imported(files, |_| {}).await
}

async fn asker(company: &Company, language: &str) -> User {
    let app = &company.app;
    app.run(&company.admin, "identity.user.update", json!({ "user": company.admin.id, "language": language })).await;
    company.admin.clone()
}

/// `several` wordings of each family at most.
async fn answers(company: Company, language: &str, families: &[Family], several: usize) {
    let asker = asker(&company, language).await;
    let mut failed = Vec::new();
    for (truth, wordings) in families {
        for question in wordings.iter().take(several) {
            let told = ask(&company.app, &asker, question).await;
            if let Some(wanted) = wrong(&company, *truth, question, &told).await {
                failed.push(format!("{question}\n    told: {} {:?}\n    wanted: {wanted}", told.answer.replace('\n', " "), figures(&told)));
            }
        }
    }
    company.app.close().await;
    let all: usize = families.iter().map(|(_, wordings)| wordings.len().min(several)).sum();
    assert!(failed.is_empty(), "{} of {all} are not answered:\n{}", failed.len(), failed.join("\n"));
}

/// No figure, no record: it says what it does not understand, or asks.
async fn abstains(app: &TestApp, asker: &User, question: &str) -> Option<String> {
    let told = ask(app, asker, question).await;
    let asks = !told.named("ask").is_empty();
    let abstained = ["find no answer", "don't find", "don't know", "None found", "keine Antwort", "finde nichts", "weiß nicht", "Keine Treffer"]
        .iter()
        .any(|words| told.answer.contains(words));
    (!figures(&told).is_empty() || !(asks || abstained)).then(|| format!("{question}\n    told: {} {:?}", told.answer, figures(&told)))
}

#[tokio::test]
async fn questions_in_english_are_answered_as_sql_does() {
    answers(company().await, "en", english::FAMILIES, usize::MAX).await;
}

#[tokio::test]
async fn questions_in_german_are_answered_as_sql_does() {
    answers(company().await, "de", german::FAMILIES, usize::MAX).await;
}

#[tokio::test]
async fn questions_over_northwind_are_answered_as_sql_does() {
    if let Some(files) = Files::northwind() {
        answers(Company::imported(files, |_| {}).await, "en", english::FAMILIES, 1).await;
    }
}

#[tokio::test]
async fn what_cannot_be_answered_is_not_answered() {
    let company = company().await;
    let mut failed = Vec::new();
    for (language, questions) in [("en", english::UNANSWERABLE), ("de", german::UNANSWERABLE)] {
        let asker = asker(&company, language).await;
        for question in questions {
            failed.extend(abstains(&company.app, &asker, question).await);
        }
    }
    company.app.close().await;
    assert!(failed.is_empty(), "{} were answered:\n{}", failed.len(), failed.join("\n"));
}
