//! Search and the assistant: what is not the person's to see is not found, not counted and not hinted at.

use super::{Finding, Prober};
use crate::client::Told;
use crate::target::Truth;
use anyhow::Result;
use serde_json::Value;

/// Asked of people who work there and of names that nobody has.
const SALARY_QUESTIONS: [&str; 8] = [
    "What is the salary of {}?",
    "How much does {} earn?",
    "How much do we pay {}?",
    "How much was {} paid in 2026?",
    "Since when does {} have this salary?",
    "Wie viel verdient {}?",
    "Wie viel zahlen wir {}?",
    "Wie hoch ist das Gehalt von {}?",
];
const NOBODY: [&str; 3] = ["Bert Nirgendwo", "Wilma Niemann", "Otto Ohnesorg"];
/// Words that stand in documents which few may read, and in what people earn.
const WORDS: [&str; 6] =
    ["Winterthur lease Zurich", "order-picking system budget", "succession head of warehouse", "salary", "11800", "framework agreement discount"];
/// What is counted in words, with the resource behind it.
const COUNTED: [(&str, &str); 6] = [
    ("How many orders are there?", "sales.order"),
    ("How many parties are there?", "crm.party"),
    ("How many activities are there?", "crm.activity"),
    ("How many documents are there?", "documents.document"),
    ("How many reservations are there?", "inventory.reservation"),
    ("Wie viele Aufträge gibt es?", "sales.order"),
];

/// Reads like the title of a bait, and is none.
const NO_TITLE: &str = "Brenlik Tosdam";

impl Prober<'_> {
    pub(super) async fn search(&mut self) -> Result<()> {
        let mut queries: Vec<String> = WORDS.iter().map(|words| (*words).to_owned()).collect();
        for resource in ["sales.order", "crm.activity", "documents.document", "crm.party", "hr.employee", "inventory.item"] {
            for _ in 0..2 {
                if let Some((_, title)) = self.hidden(resource).filter(|(_, title)| !title.is_empty()) {
                    queries.push(title);
                }
            }
        }
        self.finds_what_it_may().await?;
        for words in queries {
            let path = format!("search?q={}&limit=50", encoded(&words));
            let (status, told) = self.get(&path).await?;
            let finding = match told["items"].as_array() {
                None => Finding::Missing(format!("{status}: {told}")),
                Some(items) => items.iter().find_map(|item| self.found_too_much(item)).map_or(Finding::Kept, Finding::Leak),
            };
            self.found("search", format!("GET {path}"), finding);
        }
        Ok(())
    }

    /// Who finds nothing at all keeps every secret.
    async fn finds_what_it_may(&mut self) -> Result<()> {
        let Some(id) = self.seen("hr.employee") else { return Ok(()) };
        let rows = self.rows;
        let Some((_, name)) = rows.get("hr.employee").and_then(|rows| rows.iter().find(|(row, _)| *row == id)) else { return Ok(()) };
        let path = format!("search?resource=hr.employee&q={}", encoded(name));
        let (status, told) = self.get(&path).await?;
        let is_found = told["items"].as_array().is_some_and(|items| items.iter().any(|item| item["id"] == id.as_str()));
        let finding = if is_found { Finding::Kept } else { Finding::Missing(format!("{status}: {name} is not found")) };
        self.found("search/seen", format!("GET {path}"), finding);
        Ok(())
    }

    fn found_too_much(&self, item: &Value) -> Option<String> {
        let (resource, id) = (item["resource"].as_str()?, item["id"].as_str()?);
        if !self.person.sees(resource, id) {
            return Some(format!("finds {resource} {id}"));
        }
        let field = item["citation"]["field"].as_str()?;
        let table = self.world.table(resource)?;
        self.person.masked_to(table).any(|masked| masked.field == field).then(|| format!("cites {field} of {resource} {id}"))
    }

    pub(super) async fn assistant(&mut self, truth: &Truth<'_>) -> Result<()> {
        self.salaries(truth).await?;
        for (question, resource) in COUNTED {
            let told = self.person.client.ask(question).await?;
            let finding = self.counted(resource, &told);
            self.found(format_args!("assistant/count/{resource}"), question, finding);
        }
        for question in ["Show order {}", "What is the status of order {}?"] {
            if let Some((_, number)) = self.hidden("sales.order") {
                self.same("assistant/hidden/sales.order".to_owned(), question, &number, &invented(&number)).await?;
            }
        }
        for bait in self.baits.iter().filter(|bait| !self.person.sees(bait.resource, &bait.id)) {
            self.same(format!("assistant/hidden/{}", bait.resource), bait.question, bait.title, NO_TITLE).await?;
        }
        Ok(())
    }

    /// A colleague's salary reads like that of somebody who does not exist.
    async fn salaries(&mut self, truth: &Truth<'_>) -> Result<()> {
        if self.person.grants.contains_key("hr:employee:salary") {
            return Ok(());
        }
        let names: Vec<String> =
            truth.rows("SELECT name FROM hr_employee WHERE tenant_id = $1 AND salary IS NOT NULL ORDER BY name").await?.into_iter().flatten().collect();
        for (question, nobody) in SALARY_QUESTIONS.iter().zip(NOBODY.iter().cycle()) {
            let Some(somebody) = self.random.choose(&names).cloned() else { continue };
            self.same("assistant/salary".to_owned(), question, &somebody, nobody).await?;
        }
        Ok(())
    }

    /// The same answer, word for word, but for the name that was asked for.
    async fn same(&mut self, name: String, question: &str, real: &str, invented: &str) -> Result<()> {
        let (asked, asked_of_none) = (question.replace("{}", real), question.replace("{}", invented));
        let (told, told_of_none) = (self.person.client.ask(&asked).await?, self.person.client.ask(&asked_of_none).await?);
        let (one, other) = (shape(&told, real), shape(&told_of_none, invented));
        let finding = if one == other { Finding::Kept } else { Finding::Leak(format!("{one}\n  of one that does not exist: {other}")) };
        self.found(name, asked, finding);
        Ok(())
    }

    /// Tells the person's own count, and not that of everybody.
    fn counted(&self, resource: &str, told: &Told) -> Finding {
        let all = self.rows.get(resource).map_or(0, Vec::len);
        let own = self.person.visible.get(resource).map_or(0, |visible| visible.active);
        let numbers = numbers(&told.answer);
        if own != all && numbers.contains(&all) {
            Finding::Leak(format!("tells {all}, may see {own}: {}", told.answer))
        } else if !told.figures.is_empty() && !numbers.contains(&own) {
            Finding::Missing(format!("may see {own}: {}", told.answer))
        } else {
            Finding::Kept
        }
    }
}

/// Everything of an answer that a person notices, without the name that was asked for.
pub(super) fn shape(told: &Told, name: &str) -> String {
    let citations: Vec<String> = told.citations.iter().map(|citation| without(&citation.to_string(), name)).collect();
    let figures = told.figures.len();
    format!(
        "{} | asked back: {} | error: {:?} | figures: {figures} | proposals: {} | citations: {}",
        without(&told.answer, name),
        told.asked,
        told.error,
        told.proposals.len(),
        citations.join("; ")
    )
}

/// Also without the single words of the name: an answer may repeat one of them only.
fn without(text: &str, name: &str) -> String {
    let parts: Vec<&str> = name.split_whitespace().collect();
    let whole = text.replace(name, "…");
    let bare: Vec<&str> = whole.split(' ').map(|word| if parts.contains(&word.trim_matches(|c: char| !c.is_alphanumeric())) { "…" } else { word }).collect();
    let mut bare = bare.join(" ");
    while bare.contains("… …") {
        bare = bare.replace("… …", "…");
    }
    bare
}

/// A number that nothing has, of the same form.
pub(super) fn invented(number: &str) -> String {
    let mut digits = 0_u32;
    let other = |c: char| {
        digits += u32::from(c.is_ascii_digit());
        if c.is_ascii_digit() && digits <= 2 { '9' } else { c }
    };
    number.chars().map(other).collect()
}

/// The whole numbers of a text, whose thousands are grouped as in English or as in German.
pub(super) fn numbers(text: &str) -> Vec<usize> {
    let groups = |at: usize| {
        let behind = text[at + 1..].chars().take_while(char::is_ascii_digit).count();
        behind == 3 && text[..at].ends_with(|c: char| c.is_ascii_digit())
    };
    let plain: String = text.char_indices().filter(|(at, c)| *c != ',' && !(*c == '.' && groups(*at))).map(|(_, c)| c).collect();
    plain.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

pub(super) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
