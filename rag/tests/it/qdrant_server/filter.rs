//! Filters as Qdrant understands them: `must`, `should`, `must_not` and filters within filters, over values, lists of
//! values and ranges. A field that a point lacks matches nothing.

use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::{Condition, FieldCondition, Filter, Value};
use std::collections::HashMap;
use tonic::Status;

type Payload = HashMap<String, Value>;

pub(super) fn passes(filter: Option<&Filter>, id: &str, payload: &Payload) -> Result<bool, Status> {
    let Some(filter) = filter else { return Ok(true) };
    if filter.min_should.is_some() {
        return Err(Status::unimplemented("min_should"));
    }
    let any = |conditions: &[Condition]| -> Result<bool, Status> {
        for condition in conditions {
            if holds(condition, id, payload)? {
                return Ok(true);
            }
        }
        Ok(false)
    };
    for condition in &filter.must {
        if !holds(condition, id, payload)? {
            return Ok(false);
        }
    }
    Ok((filter.should.is_empty() || any(&filter.should)?) && !any(&filter.must_not)?)
}

fn holds(condition: &Condition, id: &str, payload: &Payload) -> Result<bool, Status> {
    match &condition.condition_one_of {
        Some(ConditionOneOf::Filter(filter)) => passes(Some(filter), id, payload),
        Some(ConditionOneOf::HasId(wanted)) => {
            Ok(wanted.has_id.iter().any(|wanted| matches!(&wanted.point_id_options, Some(PointIdOptions::Uuid(wanted)) if wanted == id)))
        }
        Some(ConditionOneOf::Field(field)) => field_holds(field, payload),
        other => Err(Status::unimplemented(format!("condition {other:?}"))),
    }
}

fn field_holds(condition: &FieldCondition, payload: &Payload) -> Result<bool, Status> {
    let kind = payload.get(&condition.key).and_then(|value| value.kind.as_ref());
    let FieldCondition {
        r#match,
        range,
        geo_bounding_box: None,
        geo_radius: None,
        values_count: None,
        geo_polygon: None,
        datetime_range: None,
        is_empty: None,
        is_null: None,
        ..
    } = condition
    else {
        return Err(Status::unimplemented(format!("condition {condition:?}")));
    };
    let Some(kind) = kind else { return Ok(false) };
    if let Some(value) = r#match {
        let equal = match (value.match_value.as_ref(), kind) {
            (Some(MatchValue::Keyword(wanted)), Kind::StringValue(held)) => wanted == held,
            (Some(MatchValue::Keywords(wanted)), Kind::StringValue(held)) => wanted.strings.contains(held),
            (Some(MatchValue::Integer(wanted)), Kind::IntegerValue(held)) => wanted == held,
            (Some(MatchValue::Boolean(wanted)), Kind::BoolValue(held)) => wanted == held,
            (Some(MatchValue::Keyword(_) | MatchValue::Keywords(_) | MatchValue::Integer(_) | MatchValue::Boolean(_)), _) => false,
            (other, _) => return Err(Status::unimplemented(format!("match {other:?}"))),
        };
        if !equal {
            return Ok(false);
        }
    }
    if let Some(range) = range {
        let held = match kind {
            Kind::IntegerValue(held) => *held as f64,
            Kind::DoubleValue(held) => *held,
            _ => return Ok(false),
        };
        let within = range.lt.is_none_or(|lt| held < lt)
            && range.gt.is_none_or(|gt| held > gt)
            && range.lte.is_none_or(|lte| held <= lte)
            && range.gte.is_none_or(|gte| held >= gte);
        if !within {
            return Ok(false);
        }
    }
    Ok(true)
}
