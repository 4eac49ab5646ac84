//! The page of a record.

use crate::app::id;
use crate::shop::Shop;
use serde_json::json;

#[tokio::test]
async fn what_was_put_away_shows_so_whatever_happened_since() {
    let shop = Shop::open().await;
    let party = id(&shop.app.run(&shop.admin, "crm.party.create", json!({ "name": "Put away" })).await);
    let path = format!("/app/crm/parties/{party}");
    // The badge, the button that puts away and the one that brings back.
    let shown = async || {
        let page = shop.app.page(&shop.admin, &path).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let has = |text: &str| page.text.contains(text);
        (has(">Archived</span>"), has("data-command=\"crm.party.archive\""), has("data-command=\"crm.party.restore\""))
    };
    assert_eq!(shown().await, (false, true, false));
    shop.app.run(&shop.admin, "crm.party.archive", json!({ "party": party })).await;
    assert_eq!(shown().await, (true, false, true));
    // More changes than a page of the history shows.
    let rename = format!("DO $$ BEGIN FOR n IN 1..45 LOOP UPDATE crm_party SET name = 'Name ' || n WHERE id = '{party}'; END LOOP; END $$");
    shop.app.poke(&shop.tenant, &rename).await;
    let history = shop.app.get(&shop.admin, &format!("crm/parties/{party}/history?limit=30")).await;
    assert!(!history.text.contains("archived"), "the newest page of the history says nothing of it: {}", history.text);
    assert_eq!(shown().await, (true, false, true));
    shop.app.run(&shop.admin, "crm.party.restore", json!({ "party": party })).await;
    shop.app.poke(&shop.tenant, &rename).await;
    assert_eq!(shown().await, (false, true, false));
    shop.app.close().await;
}

#[tokio::test]
async fn the_history_of_a_record_leads_back_to_its_beginning() {
    let shop = Shop::open().await;
    let party = id(&shop.app.run(&shop.admin, "crm.party.create", json!({ "name": "At first" })).await);
    let rename = format!("DO $$ BEGIN FOR n IN 1..45 LOOP UPDATE crm_party SET name = 'Name ' || n WHERE id = '{party}'; END LOOP; END $$");
    shop.app.poke(&shop.tenant, &rename).await;
    let path = format!("/app/crm/parties/{party}");
    let newest = shop.app.page(&shop.admin, &path).await;
    assert!(newest.text.contains("Name 44") && !newest.text.contains("At first"), "{}", newest.text);
    let link = newest.text.split('"').find(|text| text.starts_with(&format!("{path}?older="))).expect("there are older changes");
    let older = shop.app.page(&shop.admin, link.trim_end_matches("#history")).await;
    assert_eq!(older.status, 200, "{}", older.text);
    assert!(older.text.contains("At first") && older.text.contains("Newest changes"), "{}", older.text);
    assert!(!older.text.contains("?older="), "nothing is older than the beginning: {}", older.text);
    let foreign = shop.app.page(&shop.admin, &format!("/app/crm/parties/{}?older={}", shop.customer, "AAAA")).await;
    assert_eq!(foreign.status, 400, "{}", foreign.text);
    shop.app.close().await;
}
