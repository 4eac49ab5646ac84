//! How answers are phrased, in English and German.

use crate::turn::{Stop, Turn};
use rust_decimal::Decimal;
use serde_json::{Value, json};

pub(crate) struct Words {
    german: bool,
}

impl Words {
    pub(crate) fn of(language: &str) -> Self {
        Self { german: language.starts_with("de") }
    }
    fn pick(&self, english: &str, german: &str) -> String {
        if self.german { german } else { english }.to_owned()
    }

    pub(crate) fn too_much(&self) -> String {
        self.pick("I could not work this out. Please ask for one thing at a time.", "Das konnte ich nicht klären. Bitte frage nach einer Sache.")
    }
    pub(crate) fn unknown(&self, what: &str) -> String {
        match what.is_empty() {
            true => self.pick(
                "I don't know what you mean. Ask for records, counts or sums, or tell me what to do.",
                "Ich weiß nicht, was gemeint ist. Frage nach Datensätzen, Anzahlen oder Summen, oder sage, was zu tun ist.",
            ),
            false if self.german => format!("Dazu finde ich keine Antwort, und ich rate nicht: „{what}“."),
            false => format!("I find no answer to this, and I don't guess: \"{what}\"."),
        }
    }
    pub(crate) fn not_found(&self, what: &str) -> String {
        if self.german { format!("Ich finde nichts, was „{what}“ heißt.") } else { format!("I don't find anything named \"{what}\".") }
    }
    pub(crate) fn proposed(&self) -> String {
        self.pick("Please look at the preview and confirm.", "Bitte die Vorschau ansehen und bestätigen.")
    }
    pub(crate) fn opened(&self, what: &str) -> String {
        if self.german { format!("Bitte sehr: {what}.") } else { format!("Here you are: {what}.") }
    }
    pub(crate) fn none(&self, label: &str) -> String {
        if self.german { format!("Keine Treffer: {label}.") } else { format!("None found: {label}.") }
    }

    /// Asks the person back, through the tool when there is one.
    pub(crate) fn ask(&self, turn: &Turn, text: String, missing: &[&str]) -> Stop {
        let call = json!({ "text": text, "missing": missing });
        match turn.call("ask", call) {
            Err(stop @ Stop::Call(..)) => stop,
            _ => Stop::Say(text),
        }
    }
    pub(crate) fn which(&self, turn: &Turn, what: &str, options: &[&str]) -> Stop {
        let options = options.join("; ");
        let text =
            if self.german { format!("Was ist mit „{what}“ gemeint: {options}?") } else { format!("Which one do you mean by \"{what}\": {options}?") };
        self.ask(turn, text, &[what])
    }
    pub(crate) fn currency(&self) -> String {
        self.pick("currency", "Währung")
    }
    pub(crate) fn missing(&self, turn: &Turn, command: &str, labels: &[&str]) -> Stop {
        let list = labels.join(", ");
        let text = if self.german { format!("Für „{command}“ fehlt noch: {list}.") } else { format!("\"{command}\" still needs: {list}.") };
        self.ask(turn, text, labels)
    }

    /// "over the 123 orders you can see", from the scope of a result; empty when it is the whole tenant.
    pub(crate) fn scope(&self, result: &Value) -> String {
        let Some(scope) = result.get("scope") else { return String::new() };
        if scope.get("width").and_then(Value::as_str).is_none_or(|width| width == "tenant") {
            return String::new();
        }
        let label = scope.get("label").and_then(Value::as_str).unwrap_or_default();
        match scope.get("rows").and_then(Value::as_i64) {
            Some(rows) if self.german => format!(" (über die {} {label}, die du sehen kannst)", self.number(Decimal::from(rows))),
            Some(rows) => format!(" (over the {} {label} you can see)", self.number(Decimal::from(rows))),
            None if self.german => format!(" (über die {label}, die du sehen kannst)"),
            None => format!(" (over the {label} you can see)"),
        }
    }

    /// "Items with the highest sales price (top 3)": the number stands where it counts rows.
    pub(crate) fn extreme(&self, about: &str, field: &str, is_date: bool, rows: usize, descending: bool) -> String {
        let top = if rows > 1 { format!(" (top {rows})") } else { String::new() };
        let (field, descending) = match is_date {
            true => {
                return format!(
                    "{about}, {}{top}",
                    self.pick(if descending { "newest first" } else { "oldest first" }, if descending { "neueste zuerst" } else { "älteste zuerst" })
                );
            }
            false => (field, descending),
        };
        match (self.german, descending) {
            (true, true) => format!("{about}: höchster Wert von {field}{top}"),
            (true, false) => format!("{about}: niedrigster Wert von {field}{top}"),
            (false, true) => format!("{about} with the highest {}{top}", field.to_lowercase()),
            (false, false) => format!("{about} with the lowest {}{top}", field.to_lowercase()),
        }
    }
    /// Said of groups that are not all shown.
    pub(crate) fn more(&self, result: &Value, rows: usize) -> String {
        match result.get("more").and_then(Value::as_bool) {
            Some(true) if self.german => format!(", die ersten {rows}"),
            Some(true) => format!(", the first {rows}"),
            _ => String::new(),
        }
    }
    pub(crate) fn of_total(&self, rows: usize, total: u64) -> String {
        let total = self.number(Decimal::from(total));
        if self.german { format!(", die ersten {rows} von {total}") } else { format!(", the first {rows} of {total}") }
    }
    /// The heading of a column by parts of dates, else the label as it is.
    pub(crate) fn part(&self, label: &str) -> String {
        match label {
            "year" => self.pick("Year", "Jahr"),
            "quarter" => self.pick("Quarter", "Quartal"),
            "month" => self.pick("Month", "Monat"),
            other => other.to_owned(),
        }
    }

    /// Thousands grouped as the language does.
    pub(crate) fn number(&self, value: Decimal) -> String {
        let text = value.abs().to_string();
        let (whole, fraction) = text.split_once('.').map_or((text.as_str(), None), |(whole, fraction)| (whole, Some(fraction)));
        let (group, point) = if self.german { ('.', ',') } else { (',', '.') };
        let mut grouped = String::new();
        for (i, digit) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i) % 3 == 0 {
                grouped.push(group);
            }
            grouped.push(digit);
        }
        let sign = if value.is_sign_negative() && !value.is_zero() { "-" } else { "" };
        fraction.map_or_else(|| format!("{sign}{grouped}"), |fraction| format!("{sign}{grouped}{point}{fraction}"))
    }

    /// A value of a result as a person reads it.
    pub(crate) fn value(&self, value: &Value) -> String {
        match value {
            Value::Null => "–".to_owned(),
            Value::Bool(yes) => self.pick(if *yes { "yes" } else { "no" }, if *yes { "ja" } else { "nein" }),
            Value::Number(number) => number.to_string().parse().map_or_else(|_| number.to_string(), |number| self.number(number)),
            Value::String(text) => text.clone(),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect::<Vec<_>>().join(", "),
            Value::Object(fields) => {
                let part = |name: &str| fields.get(name).and_then(Value::as_str);
                let decimal = |text: &str| text.parse().map_or_else(|_| text.to_owned(), |number| self.number(number));
                match (part("amount"), part("value")) {
                    (Some(amount), _) => format!("{} {}", decimal(amount), part("currency").unwrap_or_default()).trim().to_owned(),
                    (_, Some(value)) => format!("{} {}", decimal(value), part("unit").unwrap_or_default()).trim().to_owned(),
                    _ => part("title").or(part("id")).unwrap_or("–").to_owned(),
                }
            }
        }
    }

    /// A pipe table; cells cannot break out of it.
    pub(crate) fn table(header: &[String], rows: &[Vec<String>]) -> String {
        let line = |cells: &[String]| {
            format!("| {} |\n", cells.iter().map(|cell| cell.replace('|', "\\|").replace(['\n', '\r'], " ")).collect::<Vec<_>>().join(" | "))
        };
        let rule = format!("|{}\n", " --- |".repeat(header.len()));
        format!("{}{}{}", line(header), rule, rows.iter().map(|row| line(row)).collect::<String>())
    }
}
