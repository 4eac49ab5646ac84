//! Filters: what an asker may compare, and the condition that it becomes.

use super::plan::{Plan, Sight, Target};
use super::value::{self, Arg};
use super::{Filter, Op, scope, shown, unknown_field};
use crate::catalogue::{Catalogue, Field, Kind};
use crate::error::{Error, Result};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

const FILTERS_MAX: usize = 32;
/// Values of one `in`.
const VALUES_MAX: usize = 200;

/// How a field can be compared; nothing where it cannot be filtered. Doors offer these and no others.
pub fn ops_of(catalogue: &Catalogue, field: &Field) -> Vec<Op> {
    use Op::{Eq, Gt, Gte, In, Lt, Lte, Ne, Null, Starts};
    if !field.filterable {
        return Vec::new();
    }
    let mut ops = match &field.kind {
        Kind::Texts | Kind::Lines(_) => Vec::new(),
        Kind::Text { .. } | Kind::Choice(_) | Kind::Boolean | Kind::Reference(_) => vec![Eq, Ne, In, Null],
        Kind::Integer | Kind::Decimal | Kind::Money { .. } | Kind::Quantity { .. } | Kind::Date | Kind::Timestamp => vec![Eq, Ne, Lt, Lte, Gt, Gte, In, Null],
    };
    let prefixed = match &field.kind {
        Kind::Text { .. } => !field.custom && field.prefix_column.is_some(),
        Kind::Reference(referred) => catalogue
            .resources
            .get(referred.as_ref())
            .and_then(|resource| resource.find_field(&resource.title))
            .is_some_and(|title| title.prefix_column.is_some()),
        _ => false,
    };
    if prefixed {
        ops.push(Starts);
    }
    ops
}

/// Adds the conditions of all filters. Archived rows are left out unless a filter says otherwise.
pub(crate) fn apply(plan: &mut Plan<'_>, filters: &[Filter]) -> Result<()> {
    if filters.len() > FILTERS_MAX {
        return Err(Error::bad_request(format!("at most {FILTERS_MAX} filters are possible")));
    }
    let mut archived = plan.resource.archivable.then_some("t.archived_at IS NULL");
    for filter in filters {
        if plan.resource.archivable && filter.path == "archived" {
            archived = match single(filter, &[Op::Eq])? {
                "true" => Some("t.archived_at IS NOT NULL"),
                "false" => Some("t.archived_at IS NULL"),
                "any" => None,
                _ => return Err(wrong(filter, "true, false or any is expected")),
            };
        } else if let Some(named) = plan.resource.filters.iter().find(|named| named.name == filter.path) {
            let wanted = value::boolean(single(filter, &[Op::Eq])?).map_err(|message| wrong(filter, message))?;
            plan.add(format!("({}) IS {}TRUE", named.predicate, if wanted { "" } else { "NOT " }));
        } else {
            let condition = condition(plan, filter)?;
            plan.add(condition);
        }
    }
    if let Some(archived) = archived {
        plan.add(archived);
    }
    Ok(())
}

/// Values of a measure's definition: the path is one of them.
pub(crate) fn only(plan: &mut Plan<'_>, path: &str, values: impl Iterator<Item = impl AsRef<str>>) -> Option<String> {
    let target = plan.resolve(path, Sight::Author)?;
    let values: Vec<_> = values.collect();
    let arg = value::parse_all(&target.field.kind, values.iter().map(AsRef::as_ref)).ok()?;
    Some(format!("{} = ANY({})", target.expression(), plan.arg(arg)))
}

fn wrong(filter: &Filter, message: impl Into<String>) -> Error {
    Error::field(filter.parameter(), message)
}

fn single<'f>(filter: &'f Filter, ops: &[Op]) -> Result<&'f str> {
    if !ops.contains(&filter.op) {
        return Err(takes(filter, ops));
    }
    match filter.values.as_slice() {
        [one] => Ok(one),
        _ => Err(wrong(filter, "one value is expected")),
    }
}

fn takes(filter: &Filter, ops: &[Op]) -> Error {
    let names: Vec<_> = ops.iter().map(|op| op.as_str()).collect();
    wrong(filter, format!("this field takes {}", names.join(", ")))
}

fn condition(plan: &mut Plan<'_>, filter: &Filter) -> Result<String> {
    let target = plan.resolve(&filter.path, Sight::Asker).ok_or_else(|| unknown_field(plan.resource, &filter.path))?;
    let ops = ops_of(plan.asker.catalogue, target.field);
    if ops.is_empty() {
        return Err(Error::bad_request(format!("{} cannot be filtered by {:?}", plan.resource.name, shown(&filter.path))));
    }
    if !ops.contains(&filter.op) {
        return Err(takes(filter, &ops));
    }
    let condition = match filter.op {
        Op::Null => null(filter, &target)?,
        Op::Starts => starts(plan, filter, &target)?,
        Op::In => among(plan, filter, &target)?,
        op => {
            let text = single(filter, &[op])?;
            compare(plan, &target, op, text).map_err(|message| wrong(filter, message))?
        }
    };
    // A row whose reference is out of sight does not match, whatever is asked of the field behind it.
    Ok(if target.hops > 0 { format!("{}.id IS NOT NULL AND {condition}", target.alias) } else { condition })
}

fn null(filter: &Filter, target: &Target<'_>) -> Result<String> {
    let wanted = value::boolean(single(filter, &[Op::Null])?).map_err(|message| wrong(filter, message))?;
    Ok(format!("{} IS {}NULL", target.expression(), if wanted { "" } else { "NOT " }))
}

/// `starts` on a text, or on the title of a referenced record.
fn starts(plan: &mut Plan<'_>, filter: &Filter, target: &Target<'_>) -> Result<String> {
    let text = value::plain_text(single(filter, &[Op::Starts])?).map_err(|message| wrong(filter, message))?;
    let column = match &target.field.kind {
        Kind::Reference(_) => {
            let found = plan.join(&target.alias, &filter.path, target.field).and_then(|(alias, resource)| {
                let title = plan.asker.title(resource)?;
                title.prefix_column.as_deref().map(|name| scope::column(&alias, name))
            });
            // Without the right to the records there is no title to compare.
            found.ok_or_else(|| takes(filter, &[Op::Eq, Op::Ne, Op::In, Op::Null]))?
        }
        _ => target.field.prefix_column.as_deref().map(|name| scope::column(&target.alias, name)).ok_or_else(|| takes(filter, &[Op::Eq]))?,
    };
    Ok(prefix(&column, &plan.arg(Arg::Text(text))))
}

/// The bounds say the same as `^@` in operators that serve an index whatever the plan knows of the value. U+10FFFF ends
/// every range of texts with a common beginning in the collation "C".
fn prefix(column: &str, text: &str) -> String {
    format!("({column} ^@ app.fold({text}) AND {column} >= app.fold({text}) AND {column} <= app.fold({text}) || U&'\\+10FFFF')")
}

fn among(plan: &mut Plan<'_>, filter: &Filter, target: &Target<'_>) -> Result<String> {
    if filter.values.is_empty() || filter.values.len() > VALUES_MAX {
        return Err(wrong(filter, format!("1 to {VALUES_MAX} values are expected")));
    }
    // A date may stand for a day of moments, so moments are compared one by one.
    if target.field.kind == Kind::Timestamp {
        let arms =
            filter.values.iter().map(|text| compare(plan, target, Op::Eq, text)).collect::<Result<Vec<_>, _>>().map_err(|message| wrong(filter, message))?;
        return Ok(format!("({})", arms.join(" OR ")));
    }
    let values = value::parse_all(&target.field.kind, filter.values.iter().map(String::as_str)).map_err(|message| wrong(filter, message))?;
    Ok(format!("{} = ANY({})", target.expression(), plan.arg(values)))
}

fn compare(plan: &mut Plan<'_>, target: &Target<'_>, op: Op, text: &str) -> Result<String, String> {
    let column = target.expression();
    if target.field.kind == Kind::Timestamp
        && let Some(moment) = day(text, plan.zone())
    {
        return Ok(within_day(plan, &column, op, moment));
    }
    let value = value::parse(&target.field.kind, text)?;
    let value = plan.arg(value);
    Ok(match op {
        // "Not this" holds for a row without a value.
        Op::Ne if !target.field.required => format!("{column} IS DISTINCT FROM {value}"),
        Op::Ne => format!("{column} <> {value}"),
        Op::Lt => format!("{column} < {value}"),
        Op::Lte => format!("{column} <= {value}"),
        Op::Gt => format!("{column} > {value}"),
        Op::Gte => format!("{column} >= {value}"),
        Op::Eq | Op::In | Op::Starts | Op::Null => format!("{column} = {value}"),
    })
}

fn day(text: &str, zone: Tz) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    value::date(text).map(|date| value::day(date, zone))
}

/// A moment compared with a day of the tenant's calendar.
fn within_day(plan: &mut Plan<'_>, column: &str, op: Op, (start, end): (DateTime<Utc>, DateTime<Utc>)) -> String {
    let mut bound = |at| plan.arg(Arg::Timestamp(at));
    match op {
        Op::Lt => format!("{column} < {}", bound(start)),
        Op::Lte => format!("{column} < {}", bound(end)),
        Op::Gt => format!("{column} >= {}", bound(end)),
        Op::Gte => format!("{column} >= {}", bound(start)),
        Op::Ne => format!("({column} >= {} AND {column} < {}) IS NOT TRUE", bound(start), bound(end)),
        Op::Eq | Op::In | Op::Starts | Op::Null => format!("({column} >= {} AND {column} < {})", bound(start), bound(end)),
    }
}
