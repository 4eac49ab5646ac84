//! Parameters of a URL as queries. Only the shape is read here; names and values are checked when the query is built,
//! under the rights of the asker.

use super::{AggregateQuery, Filter, GROUPS_MAX, LIMIT_MAX, ListQuery, Op, SortKey, shown};
use crate::catalogue::Catalogue;
use crate::error::{Error, Result};

impl SortKey {
    /// `-created_at,number`.
    pub fn parse_list(text: &str) -> Vec<Self> {
        let keys = text.split(',').map(str::trim).filter(|key| !key.is_empty());
        keys.map(|key| match key.strip_prefix('-') {
            Some(field) => Self { field: field.to_owned(), descending: true },
            None => Self { field: key.to_owned(), descending: false },
        })
        .collect()
    }
}

impl Filter {
    /// `filter[field][op]` or `filter[field]` with its value; `None` if the parameter is no filter.
    pub fn parse(parameter: &str, value: &str) -> Option<Result<Self>> {
        let rest = parameter.strip_prefix("filter[")?;
        let malformed = || Error::bad_request(format!("{:?} is not a filter: filter[field][op]=value is expected", shown(parameter)));
        let parts = rest.strip_suffix(']').map(|inner| inner.split("][").collect::<Vec<_>>());
        let (path, op) = match parts.as_deref() {
            Some([path]) => (*path, Ok(Op::Eq)),
            Some([path, op]) => (*path, Op::parse(op).ok_or(op)),
            _ => return Some(Err(malformed())),
        };
        if path.is_empty() || path.len() > 200 || path.contains(['[', ']']) {
            return Some(Err(malformed()));
        }
        Some(match op {
            Ok(op) => Ok(Self { path: path.to_owned(), op, values: if op == Op::In { split(value) } else { vec![value.to_owned()] } }),
            Err(op) => Err(Error::bad_request(format!("there is no comparison {:?}; eq, ne, lt, lte, gt, gte, in, starts and null are known", shown(op)))),
        })
    }
}

/// Values separated by commas; a backslash keeps the next character.
fn split(text: &str) -> Vec<String> {
    let mut values = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, values.last_mut()) {
            (',', _) => values.push(String::new()),
            ('\\', Some(last)) => last.extend(chars.next()),
            (c, Some(last)) => last.push(c),
            _ => {}
        }
    }
    values
}

fn names(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn limit(text: &str, max: u32) -> Result<u32> {
    let number = text.trim().parse().ok().filter(|number| (1..=max).contains(number));
    number.ok_or_else(|| Error::field("limit", format!("a number from 1 to {max} is expected")))
}

/// Each parameter but a filter stands once.
fn once<'p>(seen: &mut Vec<&'p str>, parameter: &'p str) -> Result<()> {
    if seen.contains(&parameter) {
        return Err(Error::bad_request(format!("the parameter {parameter} is given twice")));
    }
    seen.push(parameter);
    Ok(())
}

fn unknown(parameter: &str) -> Error {
    Error::bad_request(format!("there is no parameter {:?} here", shown(parameter)))
}

impl ListQuery {
    /// `filter[field][op]=value`, `sort`, `limit`, `cursor`, `fields`, `count`. A parameter that is not one of these is refused.
    pub fn parse(catalogue: &Catalogue, resource: &str, pairs: &[(String, String)]) -> Result<Self> {
        let mut query = Self::new(catalogue.resource(resource)?.name.as_ref());
        let mut seen = Vec::new();
        for (parameter, value) in pairs {
            if let Some(filter) = Filter::parse(parameter, value) {
                query.filters.push(filter?);
                continue;
            }
            match parameter.as_str() {
                "sort" => query.sort = SortKey::parse_list(value),
                "limit" => query.limit = limit(value, LIMIT_MAX)?,
                "cursor" => query.cursor = Some(value.clone()).filter(|cursor| !cursor.is_empty()),
                "fields" => query.fields = Some(names(value)),
                "count" => query.count = super::value::boolean(value).map_err(|message| Error::field("count", message))?,
                other => return Err(unknown(other)),
            }
            once(&mut seen, parameter)?;
        }
        Ok(query)
    }
}

impl AggregateQuery {
    /// `measure=a,b`, `group=x,y`, `filter…`, `sort=-measure`, `limit`.
    pub fn parse(catalogue: &Catalogue, resource: &str, pairs: &[(String, String)]) -> Result<Self> {
        let mut query = Self::new(catalogue.resource(resource)?.name.as_ref());
        let mut seen = Vec::new();
        for (parameter, value) in pairs {
            if let Some(filter) = Filter::parse(parameter, value) {
                query.filters.push(filter?);
                continue;
            }
            match parameter.as_str() {
                "measure" => query.measures = names(value),
                "group" => query.group = names(value),
                "sort" => match SortKey::parse_list(value).as_slice() {
                    [] => {}
                    [one] => query.sort = Some((one.field.clone(), one.descending)),
                    _ => return Err(Error::bad_request("an aggregate has one sort key")),
                },
                "limit" => query.limit = limit(value, GROUPS_MAX)?,
                other => return Err(unknown(other)),
            }
            once(&mut seen, parameter)?;
        }
        Ok(query)
    }
}
