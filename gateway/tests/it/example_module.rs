//! A fourth module, written as `CONTRIBUTING.md` says: one resource, two commands, a report. Everything else follows from
//! its declaration. And the same for a field that a tenant adds.

use crate::app::{TestApp, id, id_of};
use crate::shop::T;
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use steward_kernel::command::{Command, Entity, Outcome, RowScope};
use steward_kernel::error::{During, Error, Result};
use steward_kernel::principal::Scope;
use steward_kernel::query::AggregateQuery;
use steward_kernel::work::Work;
use steward_kernel::{CommandSpec, Field, Measure, Module, Read, Report, ReportSpec, Resource, Table};
use steward_migrations::Placement;
use uuid::Uuid;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("tests/it/fleet");
const RESOURCE: &str = "fleet.vehicle";
const READY: &str = "ready";
const IN_REPAIR: &str = "in_repair";

steward_kernel::id! {
    VehicleId;
}

fn module() -> Module {
    Module::new("fleet")
        .depends(&["identity"])
        .migrations(&MIGRATIONS)
        .labels("en", include_str!("fleet/en.ftl"))
        .labels("de", include_str!("fleet/de.ftl"))
        .resource(resource())
        .command::<CreateVehicle>()
        .command::<SendToRepair>()
        .report::<Usage>()
        .role("fleet-manager", &[("fleet:vehicle:read", T), ("fleet:vehicle:create", T), ("fleet:vehicle:send_to_repair", T), ("fleet:usage:read", T)])
}

fn resource() -> Resource {
    Resource::new(RESOURCE, "vehicles", "fleet_vehicle")
        .owner("owner_id")
        .title("plate")
        .field(Field::text("plate").required().max(20).sortable().prefix("plate_fold").searchable().in_list().writable())
        .field(Field::choice("status", &[READY, IN_REPAIR]).required().in_list())
        .field(Field::integer("mileage").required().in_list().writable())
        .field(Field::reference("owner", "identity.user").required().in_list())
        .measure(Measure::sum("total_mileage", "mileage"))
        .sort("plate")
        .create("fleet.vehicle.create")
        .customizable()
}

struct Vehicle {
    id: Uuid,
    version: i64,
    owner: Uuid,
    status: String,
}

impl Entity for Vehicle {
    const RESOURCE: &'static str = RESOURCE;
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        self.version
    }
    fn scope(&self) -> RowScope {
        RowScope { owner: Some(self.owner), ..RowScope::default() }
    }
    async fn lock(db: &mut PgConnection, tenant: Uuid, id: Uuid) -> Result<Option<Self>> {
        let row: Option<(Uuid, i64, Uuid, String)> =
            sqlx::query_as("SELECT id, version, owner_id, status FROM fleet_vehicle WHERE tenant_id = $1 AND id = $2 FOR UPDATE")
                .bind(tenant)
                .bind(id)
                .fetch_optional(db)
                .await
                .during("read the vehicle")?;
        Ok(row.map(|(id, version, owner, status)| Self { id, version, owner, status }))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateVehicle {
    plate: String,
    #[serde(default)]
    mileage: Option<i64>,
    #[serde(default)]
    custom: serde_json::Map<String, Value>,
}

impl Command for CreateVehicle {
    fn spec() -> CommandSpec {
        CommandSpec::new("fleet.vehicle.create").input(Field::text("plate").required().max(20)).input(Field::integer("mileage")).customizable()
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let owner = work.user();
        work.check_new(RowScope { owner: Some(owner), ..RowScope::default() })?;
        let (tenant, id) = (work.tenant(), VehicleId::fresh());
        sqlx::query("INSERT INTO fleet_vehicle (tenant_id, id, owner_id, plate, mileage, custom) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(tenant)
            .bind(id.0)
            .bind(owner)
            .bind(&self.plate)
            .bind(self.mileage.unwrap_or_default())
            .bind(Value::Object(self.custom))
            .execute(work.db())
            .await
            .during("store the vehicle")?;
        work.emit("fleet.vehicle.created", id, json!({ "plate": self.plate }));
        Ok(Outcome::of(RESOURCE, id))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SendToRepair {
    vehicle: VehicleId,
}

impl Command for SendToRepair {
    fn spec() -> CommandSpec {
        CommandSpec::new("fleet.vehicle.send_to_repair").target("vehicle").when(&[READY])
    }
    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let vehicle = work.lock::<Vehicle>(self.vehicle).await?;
        if vehicle.status != READY {
            return Err(Error::rule("fleet.not_ready", "the vehicle is in repair already"));
        }
        let tenant = work.tenant();
        sqlx::query("UPDATE fleet_vehicle SET status = $3 WHERE tenant_id = $1 AND id = $2")
            .bind(tenant)
            .bind(vehicle.id)
            .bind(IN_REPAIR)
            .execute(work.db())
            .await
            .during("store the vehicle")?;
        Ok(Outcome::of(RESOURCE, vehicle.id))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Usage {}

impl Report for Usage {
    fn spec() -> ReportSpec {
        ReportSpec::new("fleet.usage").column(Field::text("status")).column(Field::integer("vehicles")).column(Field::integer("mileage"))
    }
    async fn run(self, read: &mut Read) -> Result<Table> {
        let query = AggregateQuery { measures: vec!["count".into(), "total_mileage".into()], group: vec!["status".into()], ..AggregateQuery::new(RESOURCE) };
        let rows = read.aggregate(&query).await?;
        Ok(Table { rows: rows.iter().map(|row| vec![row["status"].clone(), row["count"].clone(), row["total_mileage"].clone()]).collect(), totals: Vec::new() })
    }
}

#[tokio::test]
async fn a_module_appears_in_every_door_by_its_registration_alone() {
    let app = TestApp::with(vec![module()]).await;
    assert_eq!(app.kernel.labels.missing(&app.kernel.registry.catalogue), Vec::<String>::new());
    for placement in [Placement::Pooled, Placement::Schema] {
        let tenant = app.tenant(if placement == Placement::Pooled { "pool" } else { "own" }, placement).await;
        let admin = app.admin(&tenant).await;

        // REST: create, list, filter, sort, aggregate, detail, history, command, batch, report, export.
        let made = app.post(&admin, "fleet/vehicles", &json!({ "plate": "B-ST 1", "mileage": 12000 })).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let vehicle = id_of(&made.json()["id"]);
        assert_eq!(made.header("location"), format!("/api/v1/fleet/vehicles/{vehicle}"));
        let batch = json!({ "rows": [{ "plate": "B-ST 2", "mileage": 500 }, { "plate": "B-ST 1" }, { "plate": "" }] });
        let results = app.post(&admin, "fleet/vehicles/create/batch", &batch).await.ok();
        assert_eq!((&results["results"][1]["error"]["code"], results["results"][0].get("ok").is_some()), (&json!("duplicate"), true));
        let plates = |items: Vec<Value>| items.iter().map(|item| item["plate"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(plates(app.query(&admin, "fleet/vehicles", &[("sort", "-plate")]).await.items()), ["B-ST 2", "B-ST 1"]);
        assert_eq!(plates(app.query(&admin, "fleet/vehicles", &[("filter[plate][starts]", "b-st 2")]).await.items()), ["B-ST 2"]);
        assert_eq!(app.get(&admin, "fleet/vehicles/aggregate?measure=total_mileage").await.items()[0]["total_mileage"], "12500");
        let preview = app.post(&admin, &format!("fleet/vehicles/{vehicle}/send_to_repair?preview=true"), &json!({})).await.ok();
        assert_eq!((&preview["changes"][0]["old"], &preview["changes"][0]["new"]), (&json!("ready"), &json!("in_repair")));
        app.post(&admin, &format!("fleet/vehicles/{vehicle}/send_to_repair"), &json!({})).await.ok();
        assert_eq!(
            app.post(&admin, &format!("fleet/vehicles/{vehicle}/send_to_repair"), &json!({})).await.problem(409, "conflict")["reason"],
            "fleet.not_ready"
        );
        let shown = app.get(&admin, &format!("fleet/vehicles/{vehicle}")).await.ok();
        assert_eq!((&shown["status"], &shown["owner"]["title"]), (&json!("in_repair"), &json!("Ada")));
        assert_eq!(app.get(&admin, &format!("fleet/vehicles/{vehicle}/history")).await.items().len(), 2);
        assert_eq!(app.get(&admin, "fleet/reports/usage").await.ok()["rows"].as_array().unwrap().len(), 2);
        assert!(app.get(&admin, "fleet/vehicles/export").await.text.contains("B-ST 2"));

        // The catalogue, in the reader's language, and OpenAPI.
        let told = app.get(&admin, "catalogue").await.ok();
        let find = |part: &str, name: &str| {
            told[part].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("{part} has no {name}")).clone()
        };
        assert_eq!(find("resources", RESOURCE)["plural"], "Vehicles");
        assert_eq!(find("commands", "fleet.vehicle.send_to_repair")["allowed"], true);
        assert_eq!(find("reports", "fleet.usage")["label"], "Usage");
        assert_eq!(find("modules", "fleet")["label"], "Fleet");
        let document = app.get(&admin, "openapi.json").await.ok();
        for path in ["/api/v1/fleet/vehicles", "/api/v1/fleet/vehicles/{id}", "/api/v1/fleet/vehicles/{id}/send_to_repair", "/api/v1/fleet/reports/usage"] {
            assert!(document["paths"].get(path).is_some(), "{path}");
        }

        // Screens: the list, the detail, the form, a command, the report, the menu.
        let ready = app.query(&admin, "fleet/vehicles", &[("filter[plate][starts]", "b-st 2")]).await.ids()[0];
        for (path, texts) in [
            ("/app/fleet/vehicles".to_owned(), vec!["Vehicles", "Number plate", "B-ST 1"]),
            (format!("/app/fleet/vehicles/{vehicle}"), vec!["Vehicle", "B-ST 1", "in repair"]),
            ("/app/fleet/vehicles/new".to_owned(), vec!["Number plate", "name=\"plate\"", "Mileage", "name=\"mileage\""]),
            (format!("/app/fleet/vehicles/{ready}"), vec!["B-ST 2", "data-command=\"fleet.vehicle.send_to_repair\"", "Send to repair"]),
            (format!("/app/fleet/vehicles/{ready}/do/send_to_repair"), vec!["Send to repair", "ready", "in repair", "value=\"confirm\""]),
            ("/app/reports/fleet.usage".to_owned(), vec!["Usage", "Vehicles by state", "in_repair", "500"]),
            ("/".to_owned(), vec!["href=\"/app/fleet/vehicles\"", "href=\"/app/reports/fleet.usage\""]),
        ] {
            let page = app.page(&admin, &path).await;
            assert_eq!(page.status, 200, "{path}: {}", page.text);
            for text in texts {
                assert!(page.text.contains(text), "{path} lacks {text:?}");
            }
        }

        // Permissions: the administrator has them, the module's own role is there, others see nothing of it.
        let held = app.get(&admin, "me").await.ok();
        for permission in ["fleet:vehicle:read", "fleet:vehicle:create", "fleet:vehicle:send_to_repair", "fleet:usage:read"] {
            assert_eq!(held["grants"][permission], "tenant");
        }
        let grants: i64 = app.peek(&tenant, "SELECT count(*) FROM identity_role_grant g JOIN identity_role r ON r.tenant_id = g.tenant_id AND r.id = g.role_id WHERE r.name = 'fleet-manager' AND r.tenant_id = app.tenant()").await;
        assert_eq!(grants, 4);
        let other = app.user(&tenant, "Other", &[("crm:party:read", T)]).await;
        app.get(&other, "fleet/vehicles").await.problem(403, "forbidden");
        app.get(&other, "fleet/reports/usage").await.problem(403, "forbidden");
        let page = app.page(&other, "/app/crm/parties").await;
        assert!(page.status == 200 && !page.text.contains("Vehicles"), "the menu shows what one may not see");
        assert_ne!(app.page(&other, "/app/fleet/vehicles").await.status, 200);
        let own = app.user(&tenant, "Own", &[("fleet:vehicle:read", Scope::Own), ("fleet:vehicle:send_to_repair", Scope::Own)]).await;
        assert_eq!(app.get(&own, "fleet/vehicles").await.items().len(), 0);
        app.post(&own, &format!("fleet/vehicles/{vehicle}/send_to_repair"), &json!({})).await.problem(404, "not_found");
    }
    app.close().await;
}

#[tokio::test]
async fn a_field_of_a_tenant_appears_in_every_door_of_that_tenant_only() {
    let app = TestApp::start().await;
    let tenant = app.tenant("ours", Placement::Pooled).await;
    let other = app.tenant("theirs", Placement::Pooled).await;
    let (admin, stranger) = (app.admin(&tenant).await, app.admin(&other).await);
    let field = json!({ "resource": "crm.party", "name": "color", "kind": "choice", "choices": ["red", "blue"], "label": "Favourite colour", "label_de": "Lieblingsfarbe" });
    let made = app.post(&admin, "platform/custom_fields", &field).await;
    assert_eq!(made.status, 201, "{}", made.text);
    app.post(&admin, "platform/custom_fields", &field).await.problem(422, "invalid_input");
    let score = json!({ "resource": "crm.party", "name": "score", "kind": "integer", "label": "Score" });
    app.post(&admin, "platform/custom_fields", &score).await.ok();

    let red = id_of(&app.post(&admin, "crm/parties", &json!({ "name": "Red", "custom": { "color": "red", "score": 7 } })).await.ok()["id"]);
    app.post(&admin, "crm/parties", &json!({ "name": "Blue", "custom": { "color": "blue" } })).await.ok();
    app.post(&admin, "crm/parties", &json!({ "name": "Plain" })).await.ok();
    let wrong =
        app.post(&admin, "crm/parties", &json!({ "name": "Green", "custom": { "color": "green", "taste": "sour" } })).await.problem(422, "invalid_input");
    let fields: Vec<&str> = wrong["fields"].as_array().unwrap().iter().map(|field| field["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["custom.color", "custom.taste"]);

    assert_eq!(app.query(&admin, "crm/parties", &[("filter[custom.color]", "red")]).await.ids(), [red]);
    assert_eq!(app.query(&admin, "crm/parties", &[("filter[custom.score][gt]", "6")]).await.ids(), [red]);
    app.query(&admin, "crm/parties", &[("sort", "custom.color")]).await.problem(400, "bad_request");
    let shown = app.get(&admin, &format!("crm/parties/{red}")).await;
    assert!(shown.text.contains("\"color\":\"red\"") && shown.text.contains("\"score\":7"), "{}", shown.text);
    let patch = app.request("PATCH", &admin, &format!("/api/v1/crm/parties/{red}")).header("If-Match", "*").json(&json!({ "custom": { "color": "blue" } }));
    app.send(patch).await.ok();
    let shown = app.get(&admin, &format!("crm/parties/{red}")).await;
    assert!(shown.text.contains("\"color\":\"blue\"") && shown.text.contains("\"score\":7"), "a change names what it changes: {}", shown.text);
    assert!(app.get(&admin, "crm/parties/export").await.text.contains("blue"));
    assert!(app.get(&admin, &format!("crm/parties/{red}/history")).await.text.contains("color"));

    let has = async |user: &crate::app::User, path: &str, text: &str| app.get(user, path).await.text.contains(text);
    assert!(has(&admin, "openapi.json", "filter[custom.color]").await && has(&admin, "catalogue", "Favourite colour").await);
    assert!(!has(&stranger, "openapi.json", "filter[custom.color]").await && !has(&stranger, "catalogue", "Favourite colour").await);
    let page = app.page(&admin, &format!("/app/crm/parties/{red}")).await;
    assert!(page.text.contains("Favourite colour"), "{}", page.text);
    app.post(&stranger, "crm/parties", &json!({ "name": "Red", "custom": { "color": "red" } })).await.problem(422, "invalid_input");
    app.query(&stranger, "crm/parties", &[("filter[custom.color]", "red")]).await.problem(400, "bad_request");
    let theirs = id(&app.run(&stranger, "crm.party.create", json!({ "name": "Theirs" })).await);
    assert!(!app.page(&stranger, &format!("/app/crm/parties/{theirs}")).await.text.contains("Favourite colour"));

    // Archived, it is gone from the very next request; what it held stays stored.
    let archive = app.request("DELETE", &admin, &format!("/api/v1/platform/custom_fields/{}", id_of(&made.json()["id"])));
    app.send(archive).await.ok();
    app.query(&admin, "crm/parties", &[("filter[custom.color]", "red")]).await.problem(400, "bad_request");
    app.post(&admin, "platform/custom_fields", &field).await.ok();
    assert_eq!(app.query(&admin, "crm/parties", &[("filter[custom.color]", "blue")]).await.items().len(), 2);
    app.close().await;
}
