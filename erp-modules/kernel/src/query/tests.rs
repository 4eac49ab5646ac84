//! The pure parts: which statement a question becomes, what is refused, cursors and parameters. Statements are run against
//! PostgreSQL by the isolation and the Northwind tests of the gateway.

use super::plan::Plan;
use super::value::{self, Arg};
use super::*;
use crate::catalogue::{Catalogue, Field, Measure, Resource};
use crate::principal::{Door, Principal, Rights, Scope};
use chrono_tz::Tz;
use std::sync::Arc;
use uuid::Uuid;

const KEY: [u8; 32] = [7; 32];

fn catalogue() -> Catalogue {
    let party = Resource {
        fields: vec![
            Field::text("name").required().sortable().prefix("name_fold").in_list(),
            Field::money("credit_limit").permission("crm:party:credit"),
            Field { custom: true, ..Field::choice("color", &["red", "blue"]) },
            Field { custom: true, ..Field::integer("stars") },
        ],
        ..Resource::new("crm.party", "parties", "crm_party").owner("owner_id").archive("crm.party.archive").customizable().sort("name")
    };
    let order = Resource::new("sales.order", "orders", "sales_order")
        .title("number")
        .owner("owner_id")
        .company("company_id")
        .field(Field::text("number").required().sortable())
        .field(Field::reference("customer", "crm.party").required())
        .field(Field::choice("status", &["draft", "confirmed", "done"]).required())
        .field(Field::date("order_date").required().sortable())
        .field(Field::money("total").required().sort_by("total_sort"))
        .field(Field::timestamp("confirmed_at"))
        .field(Field::long_text("note"))
        .measure(Measure::sum_money("revenue", "total").only("status", &["confirmed", "done"]).date("order_date"))
        .named_filter("overdue", "t.due_date < (SELECT app.today())");
    let line = Resource::new("sales.order_line", "order-lines", "sales_order_line")
        .child_of("sales.order", "order_id")
        .owner("owner_id")
        .company("company_id")
        .field(Field::reference("order", "sales.order").required())
        .field(Field::quantity("quantity").required())
        .measure(Measure::sum_money("revenue", "net").only("order.status", &["done"]));
    let resources = [party, order, line].into_iter().map(|resource| (resource.name.to_string(), Arc::new(resource))).collect();
    Catalogue { resources, ..Catalogue::default() }
}

fn rights(grants: &[(&str, Scope)]) -> Rights {
    Rights {
        grants: grants.iter().map(|(permission, scope)| ((*permission).to_owned(), *scope)).collect(),
        modules: vec!["*".into()],
        time_zone: "Europe/Berlin".into(),
        team: vec![Uuid::from_u128(1), Uuid::from_u128(2)],
        ..Rights::default()
    }
}

fn user() -> Principal {
    Principal {
        tenant: Uuid::from_u128(99),
        user: Uuid::from_u128(1),
        session: Uuid::from_u128(5),
        interactive: true,
        door: Door::Rest,
        correlation: "c".into(),
    }
}

fn everything() -> Rights {
    rights(&[("crm:party:read", Scope::Tenant), ("sales:order:read", Scope::Tenant)])
}

fn listed(rights: &Rights, query: &ListQuery) -> Result<(String, Vec<Arg>)> {
    let (catalogue, principal) = (catalogue(), user());
    let built = list::build(Asker { catalogue: &catalogue, rights, principal: &principal }, &KEY, query)?;
    Ok((built.sql, built.args.values().to_vec()))
}

fn where_of(rights: &Rights, filter: Filter) -> Result<String> {
    let resource = if filter.path.starts_with("name") || filter.path.contains("color") || filter.path == "archived" || filter.path.contains("credit") {
        "crm.party"
    } else {
        "sales.order"
    };
    let (sql, _) = listed(rights, &ListQuery { filters: vec![filter], ..ListQuery::new(resource) })?;
    let (_, after) = sql.split_once(" WHERE ").expect("a condition");
    Ok(after.split_once(" ORDER BY ").expect("an order").0.to_owned())
}

fn figures(rights: &Rights, query: &AggregateQuery) -> Result<String> {
    let (catalogue, principal) = (catalogue(), user());
    aggregate::build(Asker { catalogue: &catalogue, rights, principal: &principal }, query).map(|built| built.sql)
}

#[test]
fn a_page_is_one_statement_behind_the_width_of_each_of_its_tables() {
    let rights = rights(&[("crm:party:read", Scope::Own), ("sales:order:read", Scope::Team)]);
    let fields = Some(vec!["number".to_owned(), "customer".into()]);
    let (sql, args) = listed(&rights, &ListQuery { fields, ..ListQuery::new("sales.order") }).unwrap();
    assert_eq!(
        sql,
        "SELECT t.id, t.version, t.number, t.customer_id, r1.name::text, t.created_at, t.id FROM sales_order t \
         LEFT JOIN crm_party r1 ON r1.id = t.customer_id AND r1.tenant_id = $1 AND r1.owner_id = $3 \
         WHERE t.tenant_id = $1 AND t.owner_id = ANY($2) ORDER BY t.created_at DESC, t.id DESC LIMIT 51"
    );
    assert_eq!(args, [Arg::Uuid(Uuid::from_u128(99)), Arg::Uuids(rights.team.clone()), Arg::Uuid(Uuid::from_u128(1))]);
}

#[test]
fn a_width_without_its_column_shows_nothing() {
    let (sql, _) = listed(&rights(&[("sales:order:read", Scope::Department)]), &ListQuery::new("sales.order")).unwrap();
    assert!(sql.contains("t.tenant_id = $1 AND false"), "{sql}");
}

#[test]
fn the_system_sees_its_tenant_and_nothing_else() {
    let (catalogue, rights) = (catalogue(), Rights { modules: vec!["*".into()], ..Rights::default() });
    let system = Principal::system(Uuid::from_u128(99), Door::Job, "c");
    let plan = Plan::open(Asker { catalogue: &catalogue, rights: &rights, principal: &system }, "sales.order").unwrap();
    assert_eq!(plan.conditions(), "t.tenant_id = $1");
}

#[test]
fn without_the_right_or_the_module_a_list_is_refused() {
    assert_eq!(listed(&rights(&[]), &ListQuery::new("sales.order")).unwrap_err().code, Code::Forbidden);
    let off = Rights { modules_off: vec!["sales".into()], ..everything() };
    assert_eq!(listed(&off, &ListQuery::new("sales.order")).unwrap_err().code, Code::NotEntitled);
    assert_eq!(listed(&everything(), &ListQuery::new("sales.nothing")).unwrap_err().code, Code::UnknownName);
}

#[test]
fn a_masked_field_behaves_like_one_that_does_not_exist() {
    let with = rights(&[("crm:party:read", Scope::Tenant), ("crm:party:credit", Scope::Tenant)]);
    assert!(listed(&with, &ListQuery::new("crm.party")).unwrap().0.contains("credit_limit"));
    assert!(!listed(&everything(), &ListQuery::new("crm.party")).unwrap().0.contains("credit_limit"));
    let text = |name: &str, query: ListQuery| listed(&everything(), &query).unwrap_err().message.replace(name, "?");
    let by = |name: &str| ListQuery { filters: vec![Filter::new(name, Op::Gt, "1")], ..ListQuery::new("crm.party") };
    assert_eq!(text("credit_limit", by("credit_limit")), text("never_heard", by("never_heard")));
    let sorted = |name: &str| ListQuery { sort: SortKey::parse_list(name), ..ListQuery::new("crm.party") };
    assert_eq!(text("credit_limit", sorted("credit_limit")), text("never_heard", sorted("never_heard")));
    let selected = |name: &str| ListQuery { fields: Some(vec![name.into()]), ..ListQuery::new("crm.party") };
    assert_eq!(text("credit_limit", selected("credit_limit")), text("never_heard", selected("never_heard")));
    assert_eq!(where_of(&everything(), Filter::new("customer.credit_limit", Op::Gt, "1")).unwrap_err().code, Code::BadRequest);
}

#[test]
fn a_path_is_a_join_behind_the_scope_and_out_of_sight_does_not_match() {
    let condition = where_of(&everything(), Filter::new("customer.name", Op::Ne, "Ernst")).unwrap();
    assert_eq!(condition, "t.tenant_id = $1 AND r1.id IS NOT NULL AND r1.name <> $2");
    let blind = rights(&[("sales:order:read", Scope::Tenant)]);
    assert_eq!(where_of(&blind, Filter::new("customer.name", Op::Eq, "Ernst")).unwrap_err().code, Code::BadRequest);
    assert!(where_of(&blind, Filter::new("customer", Op::Eq, Uuid::nil().to_string())).is_ok());
}

#[test]
fn filters_become_conditions_by_the_kind_of_the_field() {
    let rights = everything();
    let of = |path: &str, op, value: &str| where_of(&rights, Filter::new(path, op, value)).unwrap().trim_start_matches("t.tenant_id = $1 AND ").to_owned();
    assert_eq!(of("status", Op::Eq, "done"), "t.status = $2");
    assert_eq!(of("total", Op::Gte, "12.50"), "t.total >= $2");
    assert_eq!(of("order_date", Op::Lt, "1997-05-01"), "t.order_date < $2");
    assert_eq!(of("confirmed_at", Op::Null, "true"), "t.confirmed_at IS NULL");
    assert_eq!(of("confirmed_at", Op::Eq, "2026-03-29"), "(t.confirmed_at >= $2 AND t.confirmed_at < $3)");
    assert_eq!(of("confirmed_at", Op::Gt, "2026-03-29T10:00:00Z"), "t.confirmed_at > $2");
    assert_eq!(of("overdue", Op::Eq, "false"), "(t.due_date < (SELECT app.today())) IS NOT TRUE");
    assert_eq!(of("archived", Op::Eq, "true"), "t.archived_at IS NOT NULL");
    assert_eq!(of("color", Op::Eq, "red"), "(t.custom ->> 'color') = $2 AND t.archived_at IS NULL");
    assert_eq!(of("custom.color", Op::Ne, "red"), "(t.custom ->> 'color') IS DISTINCT FROM $2 AND t.archived_at IS NULL");
    let many = Filter { path: "status".into(), op: Op::In, values: vec!["done".into(), "draft".into()] };
    assert!(where_of(&rights, many).unwrap().ends_with("t.status = ANY($2)"));
    let starts = "(r1.name_fold ^@ app.fold($2) AND r1.name_fold >= app.fold($2) AND r1.name_fold <= app.fold($2) || U&'\\+10FFFF')";
    assert_eq!(of("customer", Op::Starts, "ern"), starts);
}

#[test]
fn what_cannot_be_compared_is_refused_with_the_name_of_the_parameter() {
    let rights = everything();
    let refused = |path: &str, op, value: &str| where_of(&rights, Filter::new(path, op, value)).unwrap_err();
    for (path, op, value) in [
        ("status", Op::Eq, "unheard of"),
        ("status", Op::Gt, "done"),
        ("total", Op::Eq, "1e5"),
        ("total", Op::Eq, "1_000"),
        ("total", Op::Eq, "99999999999999999999999999999999"),
        ("order_date", Op::Eq, "97-1-1"),
        ("order_date", Op::Eq, "+12026-01-01"),
        ("confirmed_at", Op::Eq, "yesterday"),
        ("customer", Op::Eq, "1 OR 1=1"),
        ("number", Op::Eq, "a\0b"),
        ("number", Op::Starts, "SO"),
        ("overdue", Op::Eq, "maybe"),
    ] {
        let error = refused(path, op, value);
        assert_eq!((error.code, error.fields[0].field.as_str()), (Code::InvalidInput, format!("filter[{path}][{}]", op.as_str()).as_str()));
    }
    for path in ["note", "nothing", "customer.nothing", "customer.customer.name", "", "t.number", "status; DROP TABLE x", "order_date.year"] {
        assert_eq!(refused(path, Op::Eq, "x").code, Code::BadRequest, "{path}");
    }
}

#[test]
fn values_never_reach_the_text_of_a_statement() {
    let evil = "'; DROP TABLE sales_order; --";
    let (sql, args) = listed(&everything(), &ListQuery { filters: vec![Filter::new("number", Op::Eq, evil)], ..ListQuery::new("sales.order") }).unwrap();
    assert!(!sql.contains("DROP"));
    assert!(args.contains(&Arg::Text(evil.into())));
}

#[test]
fn a_cursor_opens_only_for_its_own_list() {
    let token = cursor::seal(&KEY, b"orders", &["2026-01-01T00:00:00.123456Z".into(), Uuid::nil().to_string()]).unwrap();
    assert_eq!(cursor::open(&KEY, b"orders", &token).unwrap()[0], "2026-01-01T00:00:00.123456Z");
    let mut forged = token.clone().into_bytes();
    *forged.last_mut().unwrap() ^= 1;
    for (key, list, token) in [
        (&KEY, &b"parties"[..], token.as_str()),
        (&[8; 32], b"orders", &token),
        (&KEY, b"orders", std::str::from_utf8(&forged).unwrap()),
        (&KEY, b"orders", ""),
        (&KEY, b"orders", "%%%"),
    ] {
        assert_eq!(cursor::open(key, list, token).unwrap_err().code, Code::BadRequest);
    }
}

#[test]
fn pages_go_on_by_a_row_comparison_and_mixed_directions_behind_a_leading_bound() {
    let rights = everything();
    let next = |sort: &str, values: &[&str]| {
        let (catalogue, principal) = (catalogue(), user());
        let asker = Asker { catalogue: &catalogue, rights: &rights, principal: &principal };
        let query = ListQuery { sort: SortKey::parse_list(sort), fields: Some(Vec::new()), ..ListQuery::new("sales.order") };
        let bound = list::build(asker, &KEY, &query).unwrap().bound_to;
        let values: Vec<_> = values.iter().map(|value| (*value).to_owned()).collect();
        let cursor = Some(cursor::seal(&KEY, &bound, &values).unwrap());
        listed(&rights, &ListQuery { cursor, ..query }).unwrap().0
    };
    let id = Uuid::nil().to_string();
    let sql = next("-total", &["1234500", &id]);
    assert!(sql.contains("AND (t.total_sort, t.id) < ($2, $3) ORDER BY t.total_sort DESC, t.id DESC LIMIT 51"), "{sql}");
    let sql = next("order_date,-number", &["1997-01-01", "SO-1", &id]);
    let mixed = "(t.order_date >= $2 AND (t.order_date > $2 OR (t.order_date = $2 AND (t.number < $3 OR (t.number = $3 AND t.id < $4)))))";
    assert!(sql.contains(mixed), "{sql}");
    for sort in ["status", "customer.name", "note", "number,number", "color"] {
        assert_eq!(listed(&rights, &ListQuery { sort: SortKey::parse_list(sort), ..ListQuery::new("sales.order") }).unwrap_err().code, Code::BadRequest);
    }
}

#[test]
fn money_is_summed_by_currency_and_rounded_once() {
    let query = AggregateQuery {
        measures: vec!["revenue".into()],
        group: vec!["customer".into()],
        filters: vec![Filter::new("order_date", Op::Gte, "1997-01-01")],
        sort: Some(("revenue".into(), true)),
        limit: 3,
        ..AggregateQuery::new("sales.order")
    };
    assert_eq!(
        figures(&everything(), &query).unwrap(),
        "SELECT g.k0, g.cur, g.m0::text, j0.name::text AS n0 FROM (\
         SELECT t.customer_id AS k0, t.currency AS cur, round(coalesce(sum(t.total), 0)::numeric, app.currency_digits(t.currency)) AS m0 \
         FROM sales_order t WHERE t.tenant_id = $1 AND t.order_date >= $2 AND t.status = ANY($3) AND t.currency IS NOT NULL GROUP BY 1, 2 \
         ORDER BY m0 DESC NULLS LAST, k0 NULLS LAST, cur NULLS LAST LIMIT 3) g LEFT JOIN crm_party j0 ON j0.id = g.k0 AND j0.tenant_id = $1 \
         ORDER BY g.m0 DESC NULLS LAST, g.k0 NULLS LAST, g.cur NULLS LAST LIMIT 3"
    );
}

#[test]
fn measures_of_lines_follow_their_document_and_several_have_conditions_of_their_own() {
    let query = AggregateQuery {
        measures: vec!["revenue".into(), "count".into()],
        group: vec!["order.order_date.year".into()],
        ..AggregateQuery::new("sales.order_line")
    };
    let sql = figures(&everything(), &query).unwrap();
    assert!(
        sql.contains(
            "(SELECT extract(year FROM r1.order_date)::bigint AS k0, t.currency AS cur, round(coalesce(sum(t.net) FILTER (WHERE r1.status = ANY($2)), 0)"
        ),
        "{sql}"
    );
    assert!(sql.contains("LEFT JOIN sales_order r1 ON r1.id = t.order_id AND r1.tenant_id = $1"), "{sql}");
    assert_eq!(
        figures(&everything(), &AggregateQuery::new("sales.order")).unwrap(),
        "SELECT g.m0 FROM (SELECT count(*) AS m0 FROM sales_order t WHERE t.tenant_id = $1 LIMIT 100) g LIMIT 100"
    );
    for (measure, group) in [("nothing", "status"), ("count", "note"), ("count", "total"), ("count", "order_date.century"), ("count", "customer.credit_limit")]
    {
        let query = AggregateQuery { measures: vec![measure.into()], group: vec![group.into()], ..AggregateQuery::new("sales.order") };
        assert_eq!(figures(&everything(), &query).unwrap_err().code, Code::BadRequest, "{measure} by {group}");
    }
}

#[test]
fn parameters_are_read_and_unknown_ones_refused() {
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>();
    let catalogue = catalogue();
    let parse = |list: &[(&str, &str)]| ListQuery::parse(&catalogue, "sales.order", &pairs(list));
    let query = parse(&[
        ("filter[status][in]", "a,b\\,c"),
        ("filter[customer.name]", "x"),
        ("sort", "-total,number"),
        ("limit", "7"),
        ("fields", "number, status"),
        ("count", "true"),
    ])
    .unwrap();
    assert_eq!(query.filters[0], Filter { path: "status".into(), op: Op::In, values: vec!["a".into(), "b,c".into()] });
    assert_eq!(query.filters[1], Filter::new("customer.name", Op::Eq, "x"));
    assert_eq!(query.sort, [SortKey { field: "total".into(), descending: true }, SortKey { field: "number".into(), descending: false }]);
    assert_eq!((query.limit, query.count, query.fields), (7, true, Some(vec!["number".into(), "status".into()])));
    for (name, value) in [("page", "2"), ("filter[x", "1"), ("filter[]", "1"), ("filter[x][y]", "1"), ("filter[x][eq][z]", "1"), ("filter", "1")] {
        assert_eq!(parse(&[(name, value)]).unwrap_err().code, Code::BadRequest, "{name}");
    }
    for (name, value) in [("limit", "0"), ("limit", "201"), ("limit", "x"), ("count", "yes")] {
        assert_eq!(parse(&[(name, value)]).unwrap_err().code, Code::InvalidInput, "{name}");
    }
    assert_eq!(parse(&[("sort", "a"), ("sort", "b")]).unwrap_err().code, Code::BadRequest);
    let query =
        AggregateQuery::parse(&catalogue, "sales.order", &pairs(&[("measure", "count,revenue"), ("group", "customer"), ("sort", "-revenue"), ("limit", "3")]))
            .unwrap();
    assert_eq!((query.measures.len(), query.sort, query.limit), (2, Some(("revenue".into(), true)), 3));
}

#[test]
fn a_day_is_the_tenants_day() {
    let day = |date: &str, zone| value::day(value::date(date).unwrap(), zone);
    let (start, end) = day("2026-03-29", Tz::Europe__Berlin);
    assert_eq!((value::timestamp(start), (end - start).num_hours()), ("2026-03-28T23:00:00Z".into(), 23));
    // Midnight was skipped there.
    assert_eq!(value::timestamp(day("2018-11-04", Tz::America__Sao_Paulo).0), "2018-11-04T03:00:00Z");
}

#[test]
fn amounts_keep_their_digits_and_at_least_those_of_the_currency() {
    let money = |amount: &str, currency: &str| value::money(Some(amount.into()), Some(currency.into()))["amount"].as_str().map(str::to_owned).unwrap();
    assert_eq!(money("12.5000", "EUR"), "12.50");
    assert_eq!(money("12.3456", "EUR"), "12.3456");
    assert_eq!(money("12.0000", "JPY"), "12");
    assert_eq!(money("0", "EUR"), "0.00");
    assert_eq!(value::money(Some("0.1234567890123456789012345678901234".into()), Some("EUR".into()))["amount"], "0.1234567890123456789012345678901234");
    assert_eq!(value::money(None, Some("EUR".into())), serde_json::Value::Null);
    assert_eq!(value::decimal_text("2.500".into()), "2.5");
}

#[test]
fn a_history_shows_declared_and_permitted_fields_only() {
    let (catalogue, rights, principal) = (catalogue(), everything(), user());
    let asker = Asker { catalogue: &catalogue, rights: &rights, principal: &principal };
    let diff = serde_json::json!({ "name": ["Old", "New"], "name_fold": ["old", "new"], "credit_limit": ["1.0000", "2.0000"], "archived_at": [null, "2026-01-01T00:00:00+00:00"],
                                   "custom": ["{\"color\": \"red\"}", "{\"color\": \"blue\", \"gone\": 1}"] });
    let diff = diff.as_object().unwrap();
    let names = |rights| {
        history::changes(Asker { rights, ..asker }, &catalogue.resources["crm.party"], diff).into_iter().map(|change| change.field).collect::<Vec<_>>()
    };
    assert_eq!(names(&rights), ["name", "color", "archived"]);
    let with = self::rights(&[("crm:party:read", Scope::Tenant), ("crm:party:credit", Scope::Own)]);
    assert_eq!(names(&with), ["name", "credit_limit", "color", "archived"]);
    assert_eq!(history::changes(asker, &catalogue.resources["crm.party"], diff)[1].new, "blue");
}

#[test]
fn what_can_be_compared_can_be_asked_for() {
    let catalogue = catalogue();
    let ops = |resource: &str, field: &str| ops_of(&catalogue, catalogue.resources[resource].find_field(field).unwrap());
    assert_eq!(ops("sales.order", "note"), []);
    assert_eq!(ops("sales.order", "customer"), [Op::Eq, Op::Ne, Op::In, Op::Null, Op::Starts]);
    assert_eq!(ops("crm.party", "name"), [Op::Eq, Op::Ne, Op::In, Op::Null, Op::Starts]);
    assert_eq!(ops("crm.party", "color"), [Op::Eq, Op::Ne, Op::In, Op::Null]);
}

#[test]
fn a_read_can_move_between_threads() {
    fn assert_send<T: Send>() {}
    assert_send::<crate::read::Read>();
}

/// A note for everybody unless it is placed, which may hang on a record.
fn with_notes() -> Catalogue {
    let note = Resource::new("memo.note", "notes", "memo_note").owner("owner_id").company("company_id").open_unplaced().hangs_on("of", "of_id").title("text");
    let note = note.field(Field::text("text").required()).field(Field::reference("about", "memo.note"));
    let mut catalogue = catalogue();
    catalogue.resources.insert("memo.note".into(), Arc::new(note));
    catalogue
}

#[test]
fn a_row_that_hangs_on_a_record_stands_behind_the_width_of_that_record_too() {
    let (catalogue, principal) = (with_notes(), user());
    let condition = |grants: &[(&str, Scope)], modules_off: &[&str]| {
        let rights = Rights { modules_off: modules_off.iter().map(|name| (*name).to_owned()).collect(), ..rights(grants) };
        let asker = Asker { catalogue: &catalogue, rights: &rights, principal: &principal };
        Plan::open(asker, "memo.note").unwrap().conditions()
    };
    let party = "WHEN 'crm.party' THEN EXISTS (SELECT FROM crm_party ts WHERE ts.id = t.of_id AND ts.tenant_id = $1 AND ts.owner_id = $2)";
    assert_eq!(
        condition(&[("memo:note:read", Scope::Tenant), ("crm:party:read", Scope::Own)], &[]),
        format!("t.tenant_id = $1 AND (t.of_id IS NULL OR CASE t.of {party} ELSE false END)")
    );
    // Neither lines nor what hangs itself can be hung on; what the asker may not read, and a module that is off, hide the row.
    assert_eq!(condition(&[("memo:note:read", Scope::Tenant)], &[]), "t.tenant_id = $1 AND t.of_id IS NULL");
    assert_eq!(condition(&[("memo:note:read", Scope::Tenant), ("crm:party:read", Scope::Own)], &["crm"]), "t.tenant_id = $1 AND t.of_id IS NULL");
}

#[test]
fn an_unplaced_row_of_an_open_resource_is_for_every_width_and_so_is_ones_own() {
    let (catalogue, principal) = (with_notes(), user());
    for (scope, narrowed) in [
        (Scope::Own, "t.owner_id = $2"),
        (Scope::Team, "t.owner_id = ANY($2)"),
        (Scope::Company, "t.company_id = ANY($2) OR t.owner_id = $3"),
        (Scope::Department, "false OR t.owner_id = $2"),
    ] {
        let rights = rights(&[("memo:note:read", scope)]);
        let conditions = Plan::open(Asker { catalogue: &catalogue, rights: &rights, principal: &principal }, "memo.note").unwrap().conditions();
        assert_eq!(conditions, format!("t.tenant_id = $1 AND ({narrowed} OR (t.owner_id IS NULL AND t.company_id IS NULL)) AND t.of_id IS NULL"));
    }
}

#[test]
fn a_joined_row_stands_behind_the_same_wall() {
    let (catalogue, principal, rights) = (with_notes(), user(), rights(&[("memo:note:read", Scope::Tenant), ("crm:party:read", Scope::Tenant)]));
    let mut plan = Plan::open(Asker { catalogue: &catalogue, rights: &rights, principal: &principal }, "memo.note").unwrap();
    plan.resolve("about.text", super::plan::Sight::Asker).unwrap();
    let from = plan.from();
    assert!(
        from.contains("r1.tenant_id = $1 AND (r1.of_id IS NULL OR CASE r1.of WHEN 'crm.party' THEN EXISTS (SELECT FROM crm_party r1s WHERE r1s.id = r1.of_id"),
        "{from}"
    );
}
