//! Activities and the report of what is due.

use crate::{Firm, id};
use serde_json::json;
use steward_kernel::{Code, Scope};

#[tokio::test]
async fn an_activity_is_planned_done_reopened_and_reported_when_due() {
    let firm = Firm::open().await;
    let party = id(&firm.ok("crm.party.create", json!({ "name": "Ernst Handel" })).await);
    let call = id(&firm.ok("crm.activity.create", json!({ "party": party, "subject": "Call", "kind": "call", "due_date": "2020-01-02" })).await);
    firm.ok("crm.activity.create", json!({ "party": party, "subject": "Later", "due_date": "2999-01-01" })).await;
    let seen = firm.see("crm.activity", call).await;
    assert_eq!((&seen["status"], &seen["owner"]["id"], &seen["party"]["title"]), (&json!("open"), &json!(firm.boss.user), &json!("Ernst Handel")));

    let due = async |parameters| {
        let mut read = firm.house.kernel.read(&firm.boss).await.unwrap();
        read.report("crm.activities_due", parameters).await.unwrap().1.rows
    };
    let rows = due(json!({})).await;
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0][3], &rows[0][4]["title"], &rows[0][5]["title"]), (&json!("Call"), &json!("Ernst Handel"), &json!("Boss")));
    assert!(rows[0][1].as_i64().unwrap() > 2000);
    assert_eq!(due(json!({ "until": "2999-12-31", "owner": firm.boss.user })).await.len(), 2);

    let done = firm.ok("crm.activity.complete", json!({ "activity": call })).await;
    assert_eq!(firm.refused("crm.activity.complete", json!({ "activity": call })).await, "crm.activity_done");
    assert!(due(json!({})).await.is_empty());
    firm.undo(&done).await;
    assert_eq!(firm.refused("crm.activity.reopen", json!({ "activity": call })).await, "crm.activity_open");
    let changed = firm.ok("crm.activity.update", json!({ "activity": call, "subject": "Call again", "due_date": "2020-02-02" })).await;
    firm.undo(&changed).await;
    assert_eq!(firm.see("crm.activity", call).await["subject"], "Call");
    let archived = firm.ok("crm.activity.archive", json!({ "activity": call })).await;
    firm.undo(&archived).await;
}

#[tokio::test]
async fn everybody_sees_his_own_activities() {
    let firm = Firm::open().await;
    let rights =
        [("crm:party:read", Scope::Tenant), ("crm:activity:read", Scope::Own), ("crm:activity:create", Scope::Own), ("crm:activity:update", Scope::Own)];
    let rep = firm.house.user(&firm.created, "Rep", &rights).await.unwrap();
    let party = id(&firm.ok("crm.party.create", json!({ "name": "Ernst Handel" })).await);
    let theirs = id(&firm.ok("crm.activity.create", json!({ "party": party, "subject": "Theirs", "due_date": "2020-01-01" })).await);
    let mine = id(&firm.run(&rep, "crm.activity.create", json!({ "party": party, "subject": "Mine", "due_date": "2020-01-01" })).await.unwrap());
    assert_eq!(firm.run(&rep, "crm.activity.complete", json!({ "activity": theirs })).await.map(drop).unwrap_err().code, Code::NotFound);
    let mut read = firm.house.kernel.read(&rep).await.unwrap();
    let (_, table) = read.report("crm.activities_due", json!({})).await.unwrap();
    assert_eq!(table.rows.len(), 1);
    read.finish().await.unwrap();
    firm.run(&rep, "crm.activity.complete", json!({ "activity": mine })).await.unwrap();
}
