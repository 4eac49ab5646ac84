//! Aggregates: the measures of a resource, as its module defines them, by groups.
//!
//! Sums are taken unrounded and rounded once, here in SQL. Money is summed by currency, so an answer with money has one
//! item for each group and currency. Titles of grouped references are joined to the groups, not to the rows.

use super::plan::{Plan, Sight};
use super::value::{self, Arg, Args};
use super::{AggregateQuery, Asker, GROUPS_MAX, filter, scope, select, shown};
use crate::catalogue::{Aggregate, Field, Kind, Measure};
use crate::error::{During, Error, Result};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value, json};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

const MEASURES_MAX: usize = 10;
const GROUP_KEYS_MAX: usize = 4;

/// What stands in a column of the answer.
enum Cell {
    Text,
    Boolean,
    Integer,
    Decimal,
    Date,
    Timestamp,
    /// Its currency stands in the column `currency` of the answer.
    Money,
    /// Its title stands in the column at this index, where it can be seen.
    Reference(Option<usize>),
}

struct Output {
    name: String,
    cell: Cell,
    /// `k0` … for groups, `m0` … for measures.
    column: String,
}

pub(crate) struct Built {
    pub(crate) sql: String,
    pub(crate) args: Args,
    outputs: Vec<Output>,
    currency: Option<usize>,
}

/// A title that is joined to the groups: `(key column, table, title expression, predicate)`.
struct Title {
    key: usize,
    table: String,
    title: String,
    predicate: String,
}

pub(crate) async fn run(db: &mut PgConnection, asker: Asker<'_>, query: &AggregateQuery) -> Result<Vec<Value>> {
    let built = build(asker, query)?;
    let rows = select::fetch(db, built.sql.clone(), &built.args, "read the figures").await?;
    rows.iter().map(|row| built.item(row).map(Value::Object)).collect::<sqlx::Result<_>>().during("read the figures")
}

pub(crate) fn build(asker: Asker<'_>, query: &AggregateQuery) -> Result<Built> {
    let names: Vec<&str> = if query.measures.is_empty() { vec!["count"] } else { query.measures.iter().map(String::as_str).collect() };
    if names.len() > MEASURES_MAX || query.group.len() > GROUP_KEYS_MAX {
        return Err(Error::bad_request(format!("at most {MEASURES_MAX} measures by {GROUP_KEYS_MAX} groups are possible")));
    }
    if query.limit == 0 || query.limit > GROUPS_MAX {
        return Err(Error::field("limit", format!("a number from 1 to {GROUPS_MAX} is expected")));
    }
    let mut plan = Plan::open(asker, &query.resource)?;
    filter::apply(&mut plan, &query.filters)?;

    let (mut columns, mut outputs, mut titles) = (Vec::new(), Vec::new(), Vec::new());
    for (at, name) in query.group.iter().enumerate() {
        if query.group[..at].contains(name) {
            return Err(Error::bad_request(format!("group names {:?} twice", shown(name))));
        }
        let (expression, cell, referred) = group(&mut plan, name)?;
        columns.push(format!("{expression} AS k{at}"));
        if let Some(referred) = referred.and_then(|referred| titled(&mut plan, at, referred)) {
            titles.push(referred);
        }
        outputs.push(Output { name: name.clone(), cell, column: format!("k{at}") });
    }
    let (mut measures, mut currency) = (Vec::new(), None::<String>);
    for (at, name) in names.iter().enumerate() {
        let measure = measure(&plan, name)?;
        if names[..at].contains(name) {
            return Err(Error::bad_request(format!("measure names {:?} twice", shown(name))));
        }
        let (expression, cell) = measured(&mut plan, measure, names.len() > 1, &mut currency)?;
        measures.push(format!("{expression} AS m{at}"));
        outputs.push(Output { name: (*name).to_owned(), cell, column: format!("m{at}") });
    }
    // Rows without a currency have no amount; they still count where something else is asked for.
    if let Some(currency) = currency.as_ref().filter(|_| outputs[query.group.len()..].iter().all(|output| matches!(output.cell, Cell::Money))) {
        plan.add(format!("{currency} IS NOT NULL"));
    }
    let keys = columns.len() + usize::from(currency.is_some());
    let currency_at = currency.as_ref().map(|_| columns.len());
    columns.extend(currency.map(|currency| format!("{currency} AS cur")));
    columns.extend(measures);
    for (at, title) in titles.iter().enumerate() {
        outputs[title.key].cell = Cell::Reference(Some(columns.len() + at));
    }

    let (order, by_title) = ordered(query, &outputs)?;
    let grouping = match keys {
        0 => String::new(),
        keys => format!(" GROUP BY {}", (1..=keys).map(|at| at.to_string()).collect::<Vec<_>>().join(", ")),
    };
    let inner = format!("SELECT {} FROM {} WHERE {}{grouping}", columns.join(", "), plan.from(), plan.conditions());
    // Unless titles decide the order, only the groups of the answer are joined to their titles.
    let inner = if by_title { inner } else { format!("{inner}{} LIMIT {}", sorted(&order, ""), query.limit) };
    let names = columns.iter().filter_map(|column| column.rsplit_once(" AS ")).map(|(_, name)| name);
    // Decimals are exact as texts, and sort as numbers.
    let is_decimal = |name: &str| outputs.iter().any(|output| output.column == name && matches!(output.cell, Cell::Decimal | Cell::Money));
    let mut selected: Vec<_> = names.map(|name| format!("g.{name}{}", if is_decimal(name) { "::text" } else { "" })).collect();
    selected.extend(titles.iter().map(|title| format!("{} AS n{}", title.title, title.key)));
    let joins: String =
        titles.iter().map(|title| format!(" LEFT JOIN {0} j{1} ON j{1}.id = g.k{1} AND {2}", title.table, title.key, title.predicate)).collect();
    let sql = format!("SELECT {} FROM ({inner}) g{joins}{} LIMIT {}", selected.join(", "), sorted(&order, "g."), query.limit);
    Ok(Built { sql, args: plan.args, outputs, currency: currency_at })
}

/// A column of the answer and whether descending.
type By = (String, bool);

fn sorted(order: &[By], prefix: &str) -> String {
    let by = order.iter().map(|(column, descending)| {
        // Titles are columns of the answer itself.
        let prefix = if column.starts_with('n') { "" } else { prefix };
        format!("{prefix}{column}{} NULLS LAST", if *descending { " DESC" } else { "" })
    });
    if order.is_empty() { String::new() } else { format!(" ORDER BY {}", by.collect::<Vec<_>>().join(", ")) }
}

/// The order of the groups, and whether a title decides it. The keys break ties, so that the answer is the same each time.
fn ordered(query: &AggregateQuery, outputs: &[Output]) -> Result<(Vec<By>, bool)> {
    let groups = &outputs[..query.group.len()];
    let title = |output: &Output| matches!(output.cell, Cell::Reference(Some(_))).then(|| output.column.replace('k', "n"));
    let by = |output: &Output, descending: bool| (title(output).unwrap_or_else(|| output.column.clone()), descending);
    let mut order: Vec<By> = match &query.sort {
        Some((name, descending)) => {
            let output = outputs.iter().find(|output| output.name == *name);
            let output =
                output.ok_or_else(|| Error::bad_request(format!("sort names {:?}, which is neither a measure nor a group of this question", shown(name))))?;
            vec![by(output, *descending)]
        }
        None => groups.iter().map(|output| by(output, false)).collect(),
    };
    let by_title = order.iter().any(|(column, _)| column.starts_with('n'));
    let currency = outputs.iter().any(|output| matches!(output.cell, Cell::Money)).then(|| "cur".to_owned());
    let ties: Vec<By> = groups.iter().map(|output| output.column.clone()).chain(currency).map(|column| (column, false)).collect();
    order.extend(ties);
    Ok((order, by_title))
}

/// The expression of a group, what it yields and the resource that it refers to.
fn group<'a>(plan: &mut Plan<'a>, name: &str) -> Result<(String, Cell, Option<&'a str>)> {
    let refused = |plan: &Plan<'_>| Error::bad_request(format!("{} cannot be grouped by {:?}", plan.resource.name, shown(name)));
    if let Some(target) = plan.resolve(name, Sight::Asker) {
        let field: &'a Field = target.field;
        let cell = match &field.kind {
            Kind::Text { multiline: false, .. } | Kind::Choice(_) => Cell::Text,
            Kind::Boolean => Cell::Boolean,
            Kind::Integer => return Ok((format!("({})::bigint", target.expression()), Cell::Integer, None)),
            Kind::Decimal => Cell::Decimal,
            Kind::Date => Cell::Date,
            Kind::Reference(referred) => return Ok((target.expression(), Cell::Reference(None), Some(referred))),
            _ => return Err(refused(plan)),
        };
        return Ok((target.expression(), cell, None));
    }
    let (path, part) = name.rsplit_once('.').ok_or_else(|| refused(plan))?;
    let target = plan.resolve(path, Sight::Asker).ok_or_else(|| refused(plan))?;
    let moment = match &target.field.kind {
        Kind::Date => target.expression(),
        // A moment falls on a day of the tenant's time zone.
        Kind::Timestamp => {
            let zone = plan.zone().name().to_owned();
            format!("({} AT TIME ZONE {})", target.expression(), plan.arg(Arg::Text(zone)))
        }
        _ => return Err(refused(plan)),
    };
    Ok(match part {
        "year" => (format!("extract(year FROM {moment})::bigint"), Cell::Integer, None),
        "quarter" => (format!("to_char({moment}, 'YYYY-\"Q\"Q')"), Cell::Text, None),
        "month" => (format!("to_char({moment}, 'YYYY-MM')"), Cell::Text, None),
        "day" => (format!("({moment})::date"), Cell::Date, None),
        _ => return Err(refused(plan)),
    })
}

fn titled<'a>(plan: &mut Plan<'a>, key: usize, referred: &'a str) -> Option<Title> {
    let asker = plan.asker;
    let resource = asker.resource(referred).ok()?;
    let title = asker.title(resource)?;
    let alias = format!("j{key}");
    let predicate = scope::predicate(asker, resource, &alias, &mut plan.args)?;
    Some(Title { key, table: scope::table(&resource.table), title: format!("{}::text", scope::column(&alias, &title.column)), predicate })
}

/// A measure that the asker may see: its own permission and that of the column it is over.
fn measure<'a>(plan: &Plan<'a>, name: &str) -> Result<&'a Measure> {
    let resource = plan.resource;
    let asker = plan.asker;
    let permitted = |measure: &&Measure| {
        let column = match &measure.aggregate {
            Aggregate::Count => None,
            Aggregate::Sum { column, .. } | Aggregate::Average { column, .. } | Aggregate::Max { column } | Aggregate::Min { column } => Some(column),
        };
        measure.permission.as_ref().is_none_or(|permission| asker.may(permission))
            && column.is_none_or(|column| resource.fields.iter().all(|field| field.custom || field.column != *column || asker.sees(field)))
    };
    resource.find_measure(name).filter(permitted).ok_or_else(|| Error::bad_request(format!("{} has no measure {:?}", resource.name, shown(name))))
}

/// The expression of a measure. Its own conditions narrow the rows, or only its own sum where there are several measures.
fn measured(plan: &mut Plan<'_>, measure: &Measure, several: bool, currency: &mut Option<String>) -> Result<(String, Cell)> {
    let mut conditions = Vec::new();
    for (path, values) in &measure.only {
        // A definition over records that the asker may not read cannot be answered.
        let condition =
            filter::only(plan, path, values.iter()).ok_or_else(|| Error::bad_request(format!("{} has no measure {:?}", plan.resource.name, measure.name)))?;
        conditions.push(condition);
    }
    let mut narrowed = String::new();
    if !conditions.is_empty() && several {
        narrowed = format!(" FILTER (WHERE {})", conditions.join(" AND "));
    } else {
        conditions.into_iter().for_each(|condition| plan.add(condition));
    }
    let broken = |plan: &Plan<'_>| Error::internal(format!("the measure {} of {} names a column that is not there", measure.name, plan.resource.name));
    let mut over = |plan: &mut Plan<'_>, column: &str, named: Option<&str>| -> Result<(String, Option<String>)> {
        // What is neither a column nor a path is an expression over `t`, written by a module's author.
        let is_path = column.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.'));
        let expression = if is_path { plan.authored(column).ok_or_else(|| broken(plan))? } else { format!("({column})") };
        let Some(named) = named else { return Ok((expression, None)) };
        let code = plan.authored(named).ok_or_else(|| broken(plan))?;
        match currency {
            Some(other) if *other != code => return Err(Error::bad_request("these measures have different currencies, ask for them one by one")),
            _ => *currency = Some(code.clone()),
        }
        Ok((expression, Some(code)))
    };
    Ok(match &measure.aggregate {
        Aggregate::Count => (format!("count(*){narrowed}"), Cell::Integer),
        Aggregate::Sum { column, currency } => match over(plan, column, currency.as_deref())? {
            (x, Some(code)) => (format!("round(coalesce(sum({x}){narrowed}, 0)::numeric, app.currency_digits({code}))"), Cell::Money),
            (x, None) => (format!("coalesce(sum({x}){narrowed}, 0)::numeric"), Cell::Decimal),
        },
        Aggregate::Average { column, currency } => match over(plan, column, currency.as_deref())? {
            (x, Some(code)) => (format!("round((avg({x}){narrowed})::numeric, app.currency_digits({code}))"), Cell::Money),
            (x, None) => (format!("round((avg({x}){narrowed})::numeric, 6)"), Cell::Decimal),
        },
        Aggregate::Max { column } | Aggregate::Min { column } => {
            let field = plan.resource.fields.iter().find(|field| field.column == *column && !field.custom);
            let (cast, cell, named) = match field.map(|field| &field.kind) {
                Some(Kind::Money { currency }) => ("::numeric", Cell::Money, Some(currency.as_ref())),
                Some(Kind::Decimal | Kind::Quantity { .. }) => ("::numeric", Cell::Decimal, None),
                Some(Kind::Integer) => ("::bigint", Cell::Integer, None),
                Some(Kind::Date) => ("", Cell::Date, None),
                Some(Kind::Timestamp) => ("", Cell::Timestamp, None),
                _ => ("::text", Cell::Text, None),
            };
            let function = if matches!(measure.aggregate, Aggregate::Max { .. }) { "max" } else { "min" };
            let (x, _) = over(plan, column, named)?;
            (format!("({function}({x}){narrowed}){cast}"), cell)
        }
    })
}

impl Built {
    fn item(&self, row: &PgRow) -> sqlx::Result<Map<String, Value>> {
        let mut item = Map::with_capacity(self.outputs.len());
        let currency: Option<String> = match self.currency {
            Some(at) => row.try_get(at)?,
            None => None,
        };
        for (index, output) in self.outputs.iter().enumerate() {
            let is_measure = self.currency.is_some_and(|currency| index >= currency);
            let at = index + usize::from(is_measure);
            let value = match &output.cell {
                Cell::Text => json!(row.try_get::<Option<String>, _>(at)?),
                Cell::Boolean => json!(row.try_get::<Option<bool>, _>(at)?),
                Cell::Integer => json!(row.try_get::<Option<i64>, _>(at)?),
                Cell::Decimal => json!(row.try_get::<Option<String>, _>(at)?.map(value::decimal_text)),
                Cell::Date => json!(row.try_get::<Option<NaiveDate>, _>(at)?),
                Cell::Timestamp => json!(row.try_get::<Option<DateTime<Utc>>, _>(at)?.map(value::timestamp)),
                // Rows without an amount have no currency either.
                Cell::Money if currency.is_none() => Value::Null,
                Cell::Money => value::money(row.try_get(at)?, currency.clone()),
                Cell::Reference(title) => match row.try_get::<Option<Uuid>, _>(at)? {
                    Some(id) => value::reference(id, title.map(|title| row.try_get(title)).transpose()?.flatten()),
                    None => Value::Null,
                },
            };
            item.insert(output.name.clone(), value);
        }
        Ok(item)
    }
}
