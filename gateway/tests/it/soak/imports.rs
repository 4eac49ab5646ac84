//! Two processes import the same folder at once, again and again with other content, while people edit the same records.

use super::books::every_event_is_applied_once;
use super::callers::{Call, Caller, Tally};
use super::{Dice, Shift, all};
use crate::company::Files;
use crate::site::{Process, Site, Tenant};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read as _;
use steward_migrations::Placement;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Orders that come with each round, beside the few that are always in the files.
const ORDERS: usize = 120;
/// Customers in the files, whom people edit.
const CUSTOMERS: [&str; 4] = ["ERNSH", "QUICK", "SAVEA", "VINET"];
/// The files' own numbers of what does not change: categories, parties with the supplier, items, users with Ada.
const FIXED: &[(&str, i64)] = &[("inventory_category", 2), ("crm_party", 5), ("inventory_item", 5), ("identity_user", 5), ("inventory_warehouse", 1)];

/// The few rows of always, with orders of a round of their own.
fn files(round: usize) -> Files {
    let files = Files::many(ORDERS);
    for name in ["orders.csv", "order_details.csv"] {
        let path = files.folder.join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, text.replace("K-", &format!("K-{round}-"))).unwrap();
    }
    files
}

/// What an import told when it ended.
struct Ended {
    good: bool,
    report: Value,
}

impl Ended {
    /// Rows by what became of them.
    fn count(&self, what: &str) -> u64 {
        self.report["steps"].as_array().map_or(0, |steps| steps.iter().filter_map(|step| step[what].as_u64()).sum())
    }
}

/// Starts an import and waits for its end, away from the runtime.
fn start(site: &Site, tenant: &Tenant, files: &Files) -> tokio::task::JoinHandle<Ended> {
    let mut process = Process(site.import(tenant, &files.folder).spawn().unwrap());
    tokio::task::spawn_blocking(move || {
        let mut told = String::new();
        process.0.stdout.take().unwrap().read_to_string(&mut told).unwrap();
        Ended { good: process.0.wait().unwrap().success(), report: serde_json::from_str(&told).unwrap_or(Value::Null) }
    })
}

/// Edits one customer as people do: reads, adds to what is there, writes if nobody else did meanwhile.
/// Returns how many edits were acknowledged; each adds one to the number in the note.
async fn edit_on(admin: Caller, customer: Uuid, over: watch::Receiver<bool>, seed: usize) -> i64 {
    let (mut done, mut dice) = (0, Dice::new(seed));
    while !*over.borrow() {
        let path = format!("crm/parties/{customer}");
        let seen = admin.read(&path).await.json();
        let counted: i64 = seen["note"].as_str().map_or(0, |note| note.parse().unwrap());
        let change = json!({ "note": (counted + 1).to_string(), "tax_id": format!("T-{}", dice.below(1000)) });
        let reply = admin.send(&Call::patch(&path, change).seen(seen["version"].as_i64().unwrap())).await;
        done += i64::from(reply.is_good());
        assert!(reply.is_good() || matches!(reply.status, 412 | 503), "{} {}", reply.status, reply.text);
    }
    done
}

/// The customers by code.
async fn customers(admin: &Caller) -> BTreeMap<String, Uuid> {
    let told = admin.read("crm/parties?limit=100").await.json();
    let with_code = |party: &Value| Some((party["code"].as_str()?.to_owned(), Uuid::try_parse(party["id"].as_str()?).ok()?));
    told["items"].as_array().unwrap().iter().filter_map(with_code).collect()
}

async fn nothing_is_doubled_or_lost(site: &Site, tenant: &Tenant, rounds: usize, name: &str, edits: &BTreeMap<Uuid, i64>) {
    let count = async |what: &str| site.peek::<i64>(tenant, &format!("SELECT count(*) FROM {what}")).await;
    for (table, expected) in FIXED {
        assert_eq!(count(&format!("{table} WHERE tenant_id = app.tenant()")).await, *expected, "{table}");
    }
    let orders = (rounds * ORDERS) as i64;
    for (what, expected) in [
        ("sales_order WHERE tenant_id = app.tenant() AND number LIKE 'K-%'", orders),
        ("sales_order WHERE tenant_id = app.tenant() AND number LIKE 'K-%' AND line_count <> 2", 0),
        (
            "sales_line l JOIN sales_order o ON o.tenant_id = l.tenant_id AND o.id = l.order_id WHERE o.tenant_id = app.tenant() AND o.number LIKE 'K-%'",
            2 * orders,
        ),
        ("kernel_external_id WHERE tenant_id = app.tenant() AND resource = 'sales.order'", orders),
        (
            "(SELECT entity_id FROM kernel_external_id WHERE tenant_id = app.tenant() AND resource IN ('sales.order', 'crm.party') GROUP BY 1 HAVING count(*) > 1) t",
            0,
        ),
        ("inventory_move WHERE tenant_id = app.tenant() AND kind = 'opening'", 5),
        ("identity_user_role WHERE tenant_id = app.tenant()", 1 + 2 * 4),
        ("crm_address WHERE tenant_id = app.tenant()", 5),
        ("crm_contact WHERE tenant_id = app.tenant()", 5),
        ("inventory_check()", 0),
    ] {
        assert_eq!(count(what).await, expected, "{what}");
    }
    // The file's word holds for what the file speaks of, and people's for the rest.
    let named = format!("crm_party WHERE tenant_id = app.tenant() AND code = 'ERNSH' AND name = '{name}'");
    assert_eq!(count(&named).await, 1, "what the last file says of a customer was not brought in");
    for (customer, edits) in edits {
        let counted: String =
            site.peek(tenant, &format!("SELECT coalesce(note, '0') FROM crm_party WHERE tenant_id = app.tenant() AND id = '{customer}'")).await;
        assert_eq!(counted, edits.to_string(), "edits of {customer} that were acknowledged were overwritten");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "lasts as long as it is told; `cargo xtask soak` runs it"]
async fn two_imports_at_once_and_people_double_nothing_and_lose_nothing() {
    let site = Site::open().await;
    let tenant = site.tenant("imports", Placement::Pooled).await;
    let _server = site.serve().await;
    let tally = Tally::default();
    let admin = Caller::administrator(&site, &tenant, &tally).await;

    let shift = Shift::begin();
    let (mut rounds, mut refused, mut edits, mut name) = (0, 0, BTreeMap::<Uuid, i64>::new(), String::new());
    while rounds < 2 || !shift.is_over() {
        let files = files(rounds);
        name = format!("Ernst Handel {rounds}");
        files.edit("customers.csv", "Ernst Handel", &name);
        let (over, mut editors) = (watch::Sender::new(false), JoinSet::new());
        let known = customers(&admin).await;
        // In the first round there is nobody to edit yet.
        for (seed, (_, customer)) in known.iter().filter(|(code, _)| CUSTOMERS.contains(&code.as_str())).cycle().take(2 * known.len().min(4)).enumerate() {
            let (admin, customer, over) = (admin.clone(), *customer, over.subscribe());
            editors.spawn(async move { (customer, edit_on(admin, customer, over, seed).await) });
        }
        let (one, other) = (start(&site, &tenant, &files), start(&site, &tenant, &files));
        let both = [one.await.unwrap(), other.await.unwrap()];
        // Who came too late for a row is told so, and the next import has nothing left to do for it.
        refused += both.iter().map(|ended| ended.count("failed")).sum::<u64>();
        let rest = start(&site, &tenant, &files).await.unwrap();
        assert!(rest.good, "what two imports at once left over does not come in: {}", rest.report["errors"]);
        over.send_replace(true);
        for (customer, done) in all(editors).await {
            *edits.entry(customer).or_default() += done;
        }
        rounds += 1;
        let told = [&both[0], &both[1], &rest]
            .map(|ended| format!("{} created, {} updated, {} failed", ended.count("created"), ended.count("updated"), ended.count("failed")));
        println!("soak imports: round {rounds}: {told:?}");
        nothing_is_doubled_or_lost(&site, &tenant, rounds, &name, &edits).await;
        let again = start(&site, &tenant, &files).await.unwrap();
        assert!(again.good && again.count("created") + again.count("updated") == 0, "an import run again changed something: {}", again.report);
    }
    let edited: i64 = edits.values().sum();
    println!("soak imports: {rounds} rounds of two imports at once, {refused} rows refused to the later one, {edited} edits meanwhile");
    tally.close("imports", shift, &site, &[(412, "version_mismatch"), (503, "busy")]);
    assert!(edited > 0, "nobody edited anything meanwhile");
    every_event_is_applied_once(&site, &tenant).await;
    nothing_is_doubled_or_lost(&site, &tenant, rounds, &name, &edits).await;
    site.owner.close().await;
}
