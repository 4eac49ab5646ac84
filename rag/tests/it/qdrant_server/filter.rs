//! Filters as Qdrant understands them: `must`, `should`, `must_not` and filters within filters, over values, lists of
//! values and ranges. A field that a point lacks matches nothing.
//!
//! A filter is read once and then held against every point, so that a long list costs a look-up and not a walk.

use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::{Condition, FieldCondition, Filter, Match, Range, Value};
use std::collections::{BTreeSet, HashMap};
use tonic::Status;

type Payload = HashMap<String, Value>;

/// A filter, read.
#[derive(Default)]
pub(super) struct Sieve {
    must: Vec<Test>,
    should: Vec<Test>,
    must_not: Vec<Test>,
}

enum Test {
    Nested(Sieve),
    Id(BTreeSet<String>),
    Field { key: String, equal: Option<Equal>, range: Option<Range> },
}

enum Equal {
    Text(BTreeSet<String>),
    Integer(i64),
    Boolean(bool),
}

impl Sieve {
    /// What is not understood is refused, so that no test passes on a condition that was overlooked. No filter lets all through.
    pub(super) fn of(filter: Option<&Filter>) -> Result<Self, Status> {
        let Some(filter) = filter else { return Ok(Self::default()) };
        if filter.min_should.is_some() {
            return Err(Status::unimplemented("min_should"));
        }
        let tests = |conditions: &[Condition]| conditions.iter().map(Test::of).collect::<Result<Vec<_>, _>>();
        Ok(Self { must: tests(&filter.must)?, should: tests(&filter.should)?, must_not: tests(&filter.must_not)? })
    }

    pub(super) fn passes(&self, id: &str, payload: &Payload) -> bool {
        let holds = |test: &Test| test.holds(id, payload);
        self.must.iter().all(holds) && (self.should.is_empty() || self.should.iter().any(holds)) && !self.must_not.iter().any(holds)
    }
}

impl Test {
    fn of(condition: &Condition) -> Result<Self, Status> {
        match &condition.condition_one_of {
            Some(ConditionOneOf::Filter(filter)) => Ok(Self::Nested(Sieve::of(Some(filter))?)),
            Some(ConditionOneOf::HasId(wanted)) => {
                let uuid = |wanted: &qdrant_client::qdrant::PointId| match &wanted.point_id_options {
                    Some(PointIdOptions::Uuid(wanted)) => Ok(wanted.clone()),
                    other => Err(Status::unimplemented(format!("id {other:?}"))),
                };
                Ok(Self::Id(wanted.has_id.iter().map(uuid).collect::<Result<_, _>>()?))
            }
            Some(ConditionOneOf::Field(field)) => Self::of_field(field),
            other => Err(Status::unimplemented(format!("condition {other:?}"))),
        }
    }

    fn of_field(condition: &FieldCondition) -> Result<Self, Status> {
        let FieldCondition {
            key,
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
        Ok(Self::Field { key: key.clone(), equal: r#match.as_ref().map(Equal::of).transpose()?, range: *range })
    }

    fn holds(&self, id: &str, payload: &Payload) -> bool {
        match self {
            Self::Nested(sieve) => sieve.passes(id, payload),
            Self::Id(wanted) => wanted.contains(id),
            Self::Field { key, equal, range } => {
                let Some(held) = payload.get(key).and_then(|value| value.kind.as_ref()) else { return false };
                equal.as_ref().is_none_or(|equal| equal.holds(held)) && range.as_ref().is_none_or(|range| within(range, held))
            }
        }
    }
}

impl Equal {
    fn of(wanted: &Match) -> Result<Self, Status> {
        match wanted.match_value.as_ref() {
            Some(MatchValue::Keyword(wanted)) => Ok(Self::Text(BTreeSet::from([wanted.clone()]))),
            Some(MatchValue::Keywords(wanted)) => Ok(Self::Text(wanted.strings.iter().cloned().collect())),
            Some(MatchValue::Integer(wanted)) => Ok(Self::Integer(*wanted)),
            Some(MatchValue::Boolean(wanted)) => Ok(Self::Boolean(*wanted)),
            other => Err(Status::unimplemented(format!("match {other:?}"))),
        }
    }

    fn holds(&self, held: &Kind) -> bool {
        match (self, held) {
            (Self::Text(wanted), Kind::StringValue(held)) => wanted.contains(held),
            (Self::Integer(wanted), Kind::IntegerValue(held)) => wanted == held,
            (Self::Boolean(wanted), Kind::BoolValue(held)) => wanted == held,
            _ => false,
        }
    }
}

fn within(range: &Range, held: &Kind) -> bool {
    let held = match held {
        Kind::IntegerValue(held) => *held as f64,
        Kind::DoubleValue(held) => *held,
        _ => return false,
    };
    range.lt.is_none_or(|lt| held < lt)
        && range.gt.is_none_or(|gt| held > gt)
        && range.lte.is_none_or(|lte| held <= lte)
        && range.gte.is_none_or(|gte| held >= gte)
}
