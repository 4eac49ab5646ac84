//! The chain over the audit: whoever changes it behind the program's back is noticed, at the entry where it begins.

use crate::app::{TestApp, id};
use crate::shop::Shop;
use serde_json::json;
use std::process::Output;
use steward_kernel::relay::{Chain, seal_audit, verify_audit};

/// A shop with some sealed entries.
async fn sealed() -> (Shop, i64) {
    let shop = Shop::open().await;
    for n in 0..6 {
        id(&shop.app.run(&shop.admin, "crm.party.create", json!({ "name": format!("Party {n}"), "is_customer": true })).await);
    }
    let placement = shop.app.kernel.placement(shop.tenant.id).await.unwrap();
    let count = seal_audit(&shop.app.kernel, &placement).await.unwrap();
    assert!(count >= 9, "{count} entries");
    (shop, count)
}

async fn verified(shop: &Shop) -> Chain {
    verify_audit(&shop.app.kernel, shop.tenant.id).await.unwrap()
}

#[tokio::test]
async fn an_entry_that_was_changed_taken_out_or_cut_off_is_named() {
    let (shop, count) = sealed().await;
    assert_eq!(verified(&shop).await, Chain { sealed: count, open: 0, broken: None });
    // What is not sealed yet is no gap.
    shop.app.run(&shop.admin, "crm.party.create", json!({ "name": "Late", "is_customer": true })).await;
    assert_eq!(verified(&shop).await, Chain { sealed: count, open: 1, broken: None });

    let tampered = [
        ("UPDATE kernel_audit SET detail = '{\"forged\": true}' WHERE sequence = 3", 3),
        ("UPDATE kernel_audit SET outcome = 'refused' WHERE sequence = 1", 1),
        ("UPDATE kernel_audit SET hash = sha256('x') WHERE sequence = 5", 5),
        ("DELETE FROM kernel_audit WHERE sequence = 4", 4),
        ("DELETE FROM kernel_audit WHERE sequence = 1", 1),
        ("UPDATE kernel_audit SET sequence = NULL, hash = NULL WHERE sequence = 6", 6),
        ("DELETE FROM kernel_audit WHERE sequence > 7", 8),
        ("DELETE FROM kernel_audit", 1),
        ("TRUNCATE kernel_audit", 1),
        ("DELETE FROM kernel_audit_head", 1),
        ("UPDATE kernel_audit_head SET sequence = sequence - 1", count),
    ];
    for (sql, broken) in tampered {
        // As the owner of the tables, in a transaction that is taken back again.
        let mut tx = shop.app.owner.begin(&shop.tenant.schema, shop.tenant.id, "test.tamper").await.unwrap();
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
        let found: Option<i64> = sqlx::query_scalar("SELECT kernel_verify_audit($1)").bind(shop.tenant.id).fetch_one(&mut *tx).await.unwrap();
        assert_eq!(found, Some(broken), "{sql}");
        // In stretches, as a long chain is read.
        let first: Option<i64> =
            sqlx::query_scalar("SELECT coalesce(kernel_verify_audit($1, 1, 4), kernel_verify_audit($1, 5, 6), kernel_verify_audit($1, 7))")
                .bind(shop.tenant.id)
                .fetch_one(&mut *tx)
                .await
                .unwrap();
        assert_eq!(first, Some(broken), "in stretches: {sql}");
    }
    // The text that is hashed does not hang on the time zone of whoever looks.
    let mut tx = shop.app.owner.begin(&shop.tenant.schema, shop.tenant.id, "test.zone").await.unwrap();
    sqlx::query("SET LOCAL timezone = 'Asia/Tokyo'").execute(&mut *tx).await.unwrap();
    let found: Option<i64> = sqlx::query_scalar("SELECT kernel_verify_audit($1)").bind(shop.tenant.id).fetch_one(&mut *tx).await.unwrap();
    assert_eq!(found, None);
    drop(tx);
    shop.app.close().await;
}

fn verify(app: &TestApp, arguments: &[&str]) -> Output {
    app.program(&[&["audit", "verify"], arguments].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_verifies_the_audit_and_fails_where_it_does_not_hold() {
    let (shop, count) = sealed().await;
    shop.app.tenant("other", steward_migrations::Placement::Schema).await;
    let told = |output: &Output| format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let whole = verify(&shop.app, &[]);
    assert_eq!(whole.status.code(), Some(0), "{}", told(&whole));
    assert!(told(&whole).contains(&format!("whole ({count} sealed")) && told(&whole).contains("other"), "{}", told(&whole));

    shop.app.poke(&shop.tenant, "UPDATE kernel_audit SET detail = '{\"forged\": true}' WHERE tenant_id = app.tenant() AND sequence = 4").await;
    let broken = verify(&shop.app, &[]);
    assert_eq!(broken.status.code(), Some(1), "{}", told(&broken));
    assert!(told(&broken).contains("BROKEN at 4"), "{}", told(&broken));
    assert_eq!(verify(&shop.app, &["--tenant", "other"]).status.code(), Some(0));
    assert_eq!(verify(&shop.app, &["--tenant", "shop"]).status.code(), Some(1));
    assert_eq!(verify(&shop.app, &["--tenant", "nobody"]).status.code(), Some(1));
    shop.app.close().await;
}
