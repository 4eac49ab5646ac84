//! The tool `query`: a list or an aggregate over the catalogue, read in one snapshot under the asker's rights.
//!
//! Its result says over what it was computed (`scope`) and carries the query as a stable text, which the answer cites.

use super::memory::Sources;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use steward_kernel::bus::Kernel;
use steward_kernel::catalogue::Sensitivity;
use steward_kernel::query::{AggregateQuery, Filter, ListQuery, Op, SortKey};
use steward_kernel::{Catalogue, Code, Error, Field, Kind, Principal, Read, Resource, Result, Scope};
use uuid::Uuid;

/// The largest answer of the tool: it goes into a model's window.
pub(super) const LIMIT_MAX: u32 = 100;
const LIMIT: u32 = 20;
/// A scope's rows are told up to here.
const SCOPE_ROWS_MAX: i64 = 100_000;
/// References of a query whose names are looked up for its text.
const NAMES_MAX: usize = 8;
/// Parts of a date that one can group by.
const DATE_PARTS: [&str; 4] = ["year", "quarter", "month", "day"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    resource: String,
    #[serde(default)]
    filters: Option<Vec<FilterArguments>>,
    #[serde(default)]
    measures: Option<Vec<String>>,
    #[serde(default)]
    group: Option<Vec<String>>,
    #[serde(default)]
    sort: Option<String>,
    #[serde(default)]
    limit: Option<i64>,
    #[serde(default)]
    fields: Option<Vec<String>>,
    #[serde(default)]
    count: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FilterArguments {
    path: String,
    #[serde(default)]
    op: Option<String>,
    #[serde(default)]
    values: Vec<Value>,
}

impl FilterArguments {
    pub(super) fn filter(&self) -> Result<Filter> {
        let op = self.op.as_deref().unwrap_or("eq");
        let op = Op::parse(op).ok_or_else(|| Error::bad_request("a filter's op is eq, ne, lt, lte, gt, gte, in, starts or null"))?;
        // Models write numbers where texts are meant.
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Ok(Filter { path: self.path.clone(), op, values: self.values.iter().map(text).collect() })
    }
}

/// Runs the tool: what goes to the model, and what it was made of.
pub(super) async fn run(kernel: &Arc<Kernel>, principal: &Principal, arguments: Value, language: &str) -> Result<(Value, Sources)> {
    let arguments: Arguments = serde_json::from_value(arguments)
        .map_err(|error| Error::new(Code::InvalidInput, format!("the arguments of query are not what they should be: {error}")))?;
    let mut read = kernel.read(principal).await?;
    let result = answer(&mut read, arguments, language).await?;
    read.finish().await?;
    Ok(result)
}

async fn answer(read: &mut Read, arguments: Arguments, language: &str) -> Result<(Value, Sources)> {
    let catalogue = Arc::clone(read.catalogue());
    let resource = Arc::clone(catalogue.resource(&arguments.resource)?);
    let filters = arguments.filters.iter().flatten().map(FilterArguments::filter).collect::<Result<Vec<_>>>()?;
    let measures = arguments.measures.unwrap_or_default();
    let group = arguments.group.unwrap_or_default();
    let fields = arguments.fields;
    let sort = arguments.sort.filter(|sort| !sort.is_empty());
    let limit = arguments.limit.map_or(LIMIT, |limit| u32::try_from(limit.clamp(1, i64::from(LIMIT_MAX))).unwrap_or(LIMIT));
    let sorted_by = sort.iter().map(|sort| sort.trim_start_matches('-'));
    for path in filters
        .iter()
        .map(|filter| filter.path.as_str())
        .chain(group.iter().map(String::as_str))
        .chain(fields.iter().flatten().map(String::as_str))
        .chain(sorted_by)
    {
        not_secret(&catalogue, &resource, path)?;
    }
    let mut result = if measures.is_empty() && group.is_empty() {
        let wanted = Wanted { filters: &filters, sort: sort.as_deref(), limit, fields: fields.as_deref(), count: arguments.count.unwrap_or(false) };
        list(read, &resource, wanted).await?
    } else {
        let measures = if measures.is_empty() { vec!["count".to_owned()] } else { measures.clone() };
        aggregate(read, &resource, &filters, &measures, &group, sort.as_deref(), limit).await?
    };
    result["scope"] = scope(read, &catalogue, &resource, language).await?;
    let names = names(read, &catalogue, &resource, &filters).await;
    let measured = if group.is_empty() || !measures.is_empty() { measures.join(", ") } else { "count".to_owned() };
    let what = match (measured.is_empty(), arguments.count.unwrap_or(false)) {
        (true, true) => "list, count".to_owned(),
        (true, false) => "list".to_owned(),
        (false, _) => measured,
    };
    let told = Told { resource: &resource.name, filters: &filters, what: &what, group: &group, sort: sort.as_deref() };
    let is_limited = result.get("more").and_then(Value::as_bool).unwrap_or(false);
    result["query"] = json!(told.text(&names, is_limited.then_some(limit)));
    let sources = Sources::of_query(read, &resource, &filters, &measures, &group, &result);
    Ok((result, sources))
}

struct Wanted<'a> {
    filters: &'a [Filter],
    sort: Option<&'a str>,
    limit: u32,
    fields: Option<&'a [String]>,
    count: bool,
}

async fn list(read: &mut Read, resource: &Resource, wanted: Wanted<'_>) -> Result<Value> {
    let mut fields: Vec<String> = match wanted.fields {
        Some(fields) => fields.iter().filter(|name| name.as_str() != "title").cloned().collect(),
        None => usual_fields(read, resource),
    };
    let visible = super::tools::fields_for_models(read, resource).any(|field| field.name == resource.title);
    if visible && !fields.iter().any(|name| *name == resource.title) {
        fields.push(resource.title.to_string());
    }
    let query = ListQuery {
        filters: wanted.filters.to_vec(),
        sort: wanted.sort.map(SortKey::parse_list).unwrap_or_default(),
        limit: wanted.limit,
        fields: Some(fields),
        count: wanted.count,
        ..ListQuery::new(resource.name.as_ref())
    };
    let page = read.list(&query).await?;
    let items: Vec<Value> = page.items.into_iter().map(|item| titled(resource, item)).collect();
    let mut result = json!({ "kind": "list", "resource": resource.name, "items": items, "more": page.next.is_some() });
    if let Some(count) = page.count {
        // Beyond the list's bound the exact number is what was asked for.
        let value = if count.capped { counted(read, &resource.name, wanted.filters).await?.unwrap_or(count.value) } else { count.value };
        result["count"] = json!({ "value": value, "capped": false });
    }
    Ok(result)
}

/// The fields of a list unless others are asked for: what lists show, without what is personal.
fn usual_fields(read: &Read, resource: &Resource) -> Vec<String> {
    let usual = |field: &&Field| field.sensitivity == Sensitivity::Normal && (field.in_list || field.name == resource.title || field.name == "status");
    super::tools::fields_for_models(read, resource).filter(usual).map(|field| field.name.to_string()).collect()
}

/// The item with its title first, as every list of the tool has it.
fn titled(resource: &Resource, item: Value) -> Value {
    let Value::Object(fields) = item else { return item };
    let title = match fields.get(resource.title.as_ref()) {
        Some(Value::Object(reference)) => reference.get("title").cloned().unwrap_or(Value::Null),
        Some(value) => value.clone(),
        None => Value::Null,
    };
    let mut titled = serde_json::Map::with_capacity(fields.len() + 1);
    titled.insert("id".into(), fields.get("id").cloned().unwrap_or(Value::Null));
    titled.insert("title".into(), title);
    titled.extend(fields.into_iter().filter(|(name, _)| name != "id" && name != "title"));
    Value::Object(titled)
}

async fn counted(read: &mut Read, resource: &str, filters: &[Filter]) -> Result<Option<i64>> {
    let query = AggregateQuery { measures: vec!["count".into()], filters: filters.to_vec(), limit: 1, ..AggregateQuery::new(resource) };
    let items = read.aggregate(&query).await?;
    Ok(items.first().and_then(|item| item.get("count")).and_then(Value::as_i64))
}

async fn aggregate(
    read: &mut Read,
    resource: &Resource,
    filters: &[Filter],
    measures: &[String],
    group: &[String],
    sort: Option<&str>,
    limit: u32,
) -> Result<Value> {
    let query = AggregateQuery {
        measures: measures.to_vec(),
        group: group.to_vec(),
        filters: filters.to_vec(),
        sort: sort.map(|sort| sort.strip_prefix('-').map_or((sort.to_owned(), false), |name| (name.to_owned(), true))),
        limit: limit + 1,
        ..AggregateQuery::new(resource.name.as_ref())
    };
    let mut items = read.aggregate(&query).await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    Ok(json!({ "kind": "aggregate", "resource": resource.name, "items": items, "more": more }))
}

/// Over what the answer is computed. Lines stand for the documents that they belong to.
async fn scope(read: &mut Read, catalogue: &Catalogue, resource: &Resource, language: &str) -> Result<Value> {
    let width = read.scope_note(&resource.name).unwrap_or(Scope::Tenant);
    let over = resource.parent.as_ref().map_or(resource.name.as_ref(), |parent| parent.resource.as_ref());
    let labels = Arc::clone(&read.kernel().labels);
    let label = labels.plural(language, over);
    // German writes nouns with capitals, English does not within a sentence.
    let label = if labels.nearest(language) == "en" { label.to_lowercase() } else { label.into_owned() };
    if width == Scope::Tenant || !catalogue.resources.contains_key(over) {
        return Ok(json!({ "width": width.as_str(), "rows": null, "label": label }));
    }
    let rows = counted(read, over, &[]).await?.filter(|rows| *rows <= SCOPE_ROWS_MAX);
    Ok(json!({ "width": width.as_str(), "rows": rows, "label": label, "query": format!("{over}: count") }))
}

/// The field at the end of a path, with the last part of a date left off.
pub(super) fn field_at<'a>(catalogue: &'a Catalogue, resource: &'a Resource, path: &str) -> Option<&'a Field> {
    let path = path.rsplit_once('.').filter(|(_, part)| DATE_PARTS.contains(part)).map_or(path, |(path, _)| path);
    let mut resource = resource;
    let mut parts = path.split('.').filter(|part| *part != "custom").peekable();
    loop {
        let field = resource.find_field(parts.next()?)?;
        if parts.peek().is_none() {
            return Some(field);
        }
        let Kind::Reference(to) = &field.kind else { return None };
        resource = catalogue.resources.get(to.as_ref())?;
    }
}

/// Secret values never enter a prompt, nor does what could be learnt of them by comparing.
pub(super) fn not_secret(catalogue: &Catalogue, resource: &Resource, path: &str) -> Result<()> {
    match field_at(catalogue, resource, path) {
        Some(field) if field.sensitivity == Sensitivity::Secret => Err(Error::bad_request("this field is not available to the assistant")),
        _ => Ok(()),
    }
}

/// The names of the records that filters compare with, for the query's text. What cannot be read keeps its id.
async fn names(read: &mut Read, catalogue: &Catalogue, resource: &Resource, filters: &[Filter]) -> HashMap<String, String> {
    let mut wanted: Vec<(String, String)> = Vec::new();
    for filter in filters {
        let Some(Kind::Reference(to)) = field_at(catalogue, resource, &filter.path).map(|field| &field.kind) else { continue };
        wanted.extend(filter.values.iter().map(|value| (to.to_string(), value.clone())));
    }
    let mut names = HashMap::new();
    for (to, id) in wanted.into_iter().take(NAMES_MAX) {
        let (Ok(uuid), Some(target)) = (Uuid::try_parse(&id), catalogue.resources.get(&to)) else { continue };
        if !read.may_read(&to) {
            continue;
        }
        let query = ListQuery {
            filters: vec![Filter::new("id", Op::Eq, uuid.to_string())],
            fields: Some(vec![target.title.to_string()]),
            limit: 1,
            ..ListQuery::new(to.as_str())
        };
        if let Ok(page) = read.list(&query).await
            && let Some(title) = page.items.into_iter().next().map(|item| titled(target, item)).and_then(|item| item["title"].as_str().map(str::to_owned))
        {
            names.insert(id, title);
        }
    }
    names
}

/// A query as a person reads it. The same query has the same text, so that it can be cited.
struct Told<'a> {
    resource: &'a str,
    filters: &'a [Filter],
    what: &'a str,
    group: &'a [String],
    sort: Option<&'a str>,
}

impl Told<'_> {
    fn text(&self, names: &HashMap<String, String>, limit: Option<u32>) -> String {
        let mut text = self.resource.to_owned();
        let conditions = self.conditions(names);
        if !conditions.is_empty() {
            text.push_str(" where ");
            text.push_str(&conditions.join(", "));
        }
        text.push_str(": ");
        text.push_str(self.what);
        if !self.group.is_empty() {
            text.push_str(" by ");
            text.push_str(&self.group.join(", "));
        }
        if let Some(sort) = self.sort {
            text.push_str(" sorted by ");
            text.push_str(sort);
        }
        if let Some(limit) = limit {
            text.push_str(&format!(", first {limit}"));
        }
        text
    }

    fn conditions(&self, names: &HashMap<String, String>) -> Vec<String> {
        let value = |text: &String| short(names.get(text).unwrap_or(text));
        let first = |filter: &Filter| filter.values.first().map(value).unwrap_or_default();
        let mut conditions = Vec::new();
        let mut taken = vec![false; self.filters.len()];
        for (at, filter) in self.filters.iter().enumerate() {
            if std::mem::replace(&mut taken[at], true) {
                continue;
            }
            let path = short(&filter.path);
            // Both ends of a period are one condition.
            let other_end = match filter.op {
                Op::Gte => self.filters.iter().enumerate().position(|(i, end)| i > at && end.op == Op::Lte && end.path == filter.path),
                _ => None,
            };
            if let Some(end) = other_end {
                taken[end] = true;
                conditions.push(format!("{path} {}…{}", first(filter), first(&self.filters[end])));
                continue;
            }
            conditions.push(match filter.op {
                Op::Eq => format!("{path} = {}", first(filter)),
                Op::Ne => format!("{path} ≠ {}", first(filter)),
                Op::Lt => format!("{path} < {}", first(filter)),
                Op::Lte => format!("{path} ≤ {}", first(filter)),
                Op::Gt => format!("{path} > {}", first(filter)),
                Op::Gte => format!("{path} ≥ {}", first(filter)),
                Op::In => format!("{path} in ({})", filter.values.iter().map(value).collect::<Vec<_>>().join(", ")),
                Op::Starts => format!("{path} begins with {}", first(filter)),
                Op::Null if first(filter) == "false" => format!("{path} has a value"),
                Op::Null => format!("{path} has no value"),
            });
        }
        conditions
    }
}

/// A text from outside within a query's text, bounded.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(120).collect()
}

/// A number of a result, if the text is one as the kernel writes them.
pub(super) fn plain_number(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_plain = digits.starts_with(|c: char| c.is_ascii_digit()) && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') && digits.len() <= 28;
    if is_plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_reads_the_same_each_time() {
        let filters = [
            Filter::new("customer", Op::Eq, "0191"),
            Filter::new("order_date", Op::Gte, "1997-01-01"),
            Filter::new("status", Op::Ne, "draft"),
            Filter::new("order_date", Op::Lte, "1997-12-31"),
        ];
        let names = HashMap::from([("0191".to_owned(), "Ernst Handel".to_owned())]);
        let told = Told { resource: "sales.order", filters: &filters, what: "count", group: &[], sort: None };
        assert_eq!(told.text(&names, None), "sales.order where customer = Ernst Handel, order_date 1997-01-01…1997-12-31, status ≠ draft: count");
        let group = ["customer".to_owned()];
        let told = Told { resource: "sales.line", filters: &[], what: "revenue", group: &group, sort: Some("-revenue") };
        assert_eq!(told.text(&names, Some(3)), "sales.line: revenue by customer sorted by -revenue, first 3");
    }
}
