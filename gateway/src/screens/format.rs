//! Values as people read them: numbers with the separators of the language, dates, references as links.

use super::shell::icon;
use super::view::{Of, View, id_of, record_path};
use chrono::{DateTime, NaiveDate, Utc};
use maud::{Markup, html};
use rust_decimal::Decimal;
use serde_json::Value;
use std::str::FromStr;
use steward_kernel::{Currency, Field, Kind, Money};

/// The decimal sign of a language.
pub(super) fn decimal_sign(language: &str) -> char {
    if language == "de" { ',' } else { '.' }
}

/// A number as the wire has it (`1234.5`), with the separators of the language (`1,234.5`, `1.234,5`).
pub(super) fn number(language: &str, text: &str) -> String {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("\u{2212}", digits),
        None => ("", text),
    };
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    if whole.is_empty() || !whole.bytes().all(|b| b.is_ascii_digit()) {
        return text.to_owned();
    }
    let group = if language == "de" { '.' } else { ',' };
    let mut grouped = String::with_capacity(whole.len() + whole.len() / 3 + 4);
    grouped.push_str(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(group);
        }
        grouped.push(digit);
    }
    if let Some(fraction) = fraction {
        grouped.push(decimal_sign(language));
        grouped.push_str(fraction);
    }
    grouped
}

/// A number as somebody typed it, as the wire wants it. What is no number stays as it is, for the kernel to refuse.
pub(super) fn plain_number(language: &str, typed: &str) -> String {
    let compact: String = typed.trim().chars().filter(|c| !c.is_whitespace() && *c != '\'').map(|c| if c == '\u{2212}' { '-' } else { c }).collect();
    let sign = decimal_sign(language);
    let group = if sign == ',' { '.' } else { ',' };
    let groups = compact.matches(group).count();
    // A lone separator of groups that does not stand before three digits was meant as the decimal sign of another language.
    let is_foreign = !compact.contains(sign) && groups == 1 && compact.rsplit(group).next().is_some_and(|tail| tail.len() != 3);
    if is_foreign {
        return compact.replace(group, ".");
    }
    compact.chars().filter(|c| *c != group).map(|c| if c == sign { '.' } else { c }).collect()
}

/// A number of the wire as it stands in a form: the decimal sign of the language, no groups.
pub(super) fn typed_number(language: &str, text: &str) -> String {
    text.replace('.', &decimal_sign(language).to_string())
}

pub(super) fn date(view: &View, day: NaiveDate) -> String {
    day.format(if view.language == "de" { "%d.%m.%Y" } else { "%-d %b %Y" }).to_string()
}

pub(super) fn moment(view: &View, at: DateTime<Utc>) -> String {
    let local = view.calendar.local(at);
    format!("{}, {}", date(view, local.date()), local.format("%H:%M"))
}

/// `1,000+`, `12`.
pub(super) fn count(view: &View, count: steward_kernel::query::Count) -> String {
    format!("{}{}", number(&view.language, &count.value.to_string()), if count.capped { "+" } else { "" })
}

/// Right aligned in tables.
pub(super) fn is_numeric(kind: &Kind) -> bool {
    matches!(kind, Kind::Integer | Kind::Decimal | Kind::Money { .. } | Kind::Quantity { .. })
}

/// The class of a cell.
pub(super) fn align(kind: &Kind) -> &'static str {
    match kind {
        Kind::Date | Kind::Timestamp => "text-nowrap",
        kind if is_numeric(kind) => "text-end text-nowrap steward-number",
        _ => "",
    }
}

/// The colour of a state: by its place in the list, from begun to finished to given up.
fn colour(field: &Field, value: &str) -> &'static str {
    let Kind::Choice(choices) = &field.kind else { return "bg-secondary-lt" };
    let at = choices.iter().position(|choice| choice == value).unwrap_or(0);
    if choices.len() == 2 {
        return ["bg-azure-lt", "bg-green-lt"][at.min(1)];
    }
    ["bg-secondary-lt", "bg-azure-lt", "bg-blue-lt", "bg-indigo-lt", "bg-green-lt", "bg-red-lt"][at.min(5)]
}

/// The state of a record.
pub(super) fn badge(view: &View, of: Of<'_>, field: &Field, value: &str) -> Markup {
    html! { span class=(format!("badge {}", colour(field, value))) { (view.choice(of, &field.name, value)) } }
}

/// Without zeros at the end of the fraction, which say nothing of a quantity.
fn short(text: &str) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
}

/// An amount with the digits of its currency; what is no amount stays as it is.
fn rounded(amount: &str, currency: &str) -> String {
    match (Decimal::from_str(amount), Currency::new(currency)) {
        (Ok(amount), Ok(currency)) => Money::new(amount, currency).rounded().amount.to_string(),
        _ => amount.to_owned(),
    }
}

/// A value for people. Values of lists, details, histories and previews come in slightly different forms: a reference with
/// or without its title, money with or without its currency.
pub(super) fn cell(view: &View, of: Of<'_>, field: &Field, value: &Value) -> Markup {
    if value.is_null() || value.as_str() == Some("") || value.get("amount").is_some_and(Value::is_null) {
        return html! { span class="text-secondary" aria-label=(view.t("empty")) { "–" } };
    }
    let text = || match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let part = |name: &str| value.get(name).and_then(Value::as_str);
    match &field.kind {
        Kind::Boolean => {
            html! { @if value.as_bool() == Some(true) { span class="text-green" { (icon("check")) span class="visually-hidden" { (view.t("yes")) } } } @else { span class="text-secondary" { (view.t("no")) } } }
        }
        Kind::Integer | Kind::Decimal => html! { (number(&view.language, &short(&text()))) },
        Kind::Money { .. } => {
            let exact = part("amount").map_or_else(text, str::to_owned);
            let amount = part("currency").map_or_else(|| exact.clone(), |currency| rounded(&exact, currency));
            // The exact amount is one look away where it has more digits than the currency.
            let exact = (amount.len() < exact.len()).then(|| number(&view.language, &exact));
            html! { span title=[exact] { (number(&view.language, &amount)) } @if let Some(currency) = part("currency") { " " span class="text-secondary" { (currency) } } }
        }
        Kind::Quantity { .. } => {
            let amount = part("value").map_or_else(text, str::to_owned);
            html! { (number(&view.language, &short(&amount))) @if let Some(unit) = part("unit").filter(|unit| !unit.is_empty()) { " " span class="text-secondary" { (unit) } } }
        }
        Kind::Date => html! { (NaiveDate::parse_from_str(&text(), "%Y-%m-%d").map_or_else(|_| text(), |day| date(view, day))) },
        Kind::Timestamp => html! { (DateTime::parse_from_rfc3339(&text()).map_or_else(|_| text(), |at| moment(view, at.with_timezone(&Utc)))) },
        Kind::Choice(_) if field.name == "status" => badge(view, of, field, &text()),
        Kind::Choice(_) => html! { (view.choice(of, &field.name, &text())) },
        Kind::Reference(resource) => {
            let id = id_of(value);
            let title = part("title").map_or_else(|| id.map_or_else(text, |id| id.to_string().chars().take(8).collect()), str::to_owned);
            match (view.readable(resource), id) {
                (Some(resource), Some(id)) => html! { a href=(record_path(resource, id)) { (title) } },
                _ => html! { (title) },
            }
        }
        Kind::Texts => html! { (value.as_array().map(|items| items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")).unwrap_or_default()) },
        Kind::Text { multiline: true, .. } => html! { span class="steward-lines-kept" { (text()) } },
        Kind::Text { .. } | Kind::Lines(_) => html! { (text()) },
    }
}

/// A value as a bare text: the title of a record.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Object(_) => value.get("title").and_then(Value::as_str).map(str::to_owned),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_separators_of_the_language() {
        assert_eq!(number("en", "617085.20"), "617,085.20");
        assert_eq!(number("de", "617085.20"), "617.085,20");
        assert_eq!(number("en", "-1234"), "\u{2212}1,234");
        assert_eq!(number("en", "12"), "12");
        assert_eq!(number("en", "abc"), "abc");
    }

    #[test]
    fn typed_numbers_are_understood_in_the_language_of_the_reader() {
        for (language, typed, plain) in [
            ("en", "1,234.50", "1234.50"),
            ("de", "1.234,50", "1234.50"),
            ("de", "12.5", "12.5"),
            ("de", "1.250", "1250"),
            ("en", "12,5", "12.5"),
            ("en", " 7 ", "7"),
            ("en", "x", "x"),
        ] {
            assert_eq!(plain_number(language, typed), plain, "{language} {typed}");
        }
    }
}
