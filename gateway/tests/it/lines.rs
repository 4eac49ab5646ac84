//! Long documents: nothing of them is lost on the way to a form and back, and what is cut is marked.

use crate::app::{Answer, User, id};
use crate::shop::Shop;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use steward_kernel::input::LINES_MAX;
use uuid::Uuid;

/// The fields of a page's command form, by name, as a browser would send them.
fn fields(page: &str) -> BTreeMap<String, String> {
    let form = page.split("data-command-form").nth(1).and_then(|rest| rest.split("</form>").next()).unwrap_or_else(|| panic!("no form: {page}"));
    // The template of a row is no part of what is sent.
    let sent: String = form.split("<template>").enumerate().map(|(at, part)| if at == 0 { part } else { part.split_once("</template>").unwrap().1 }).collect();
    let attribute = |tag: &str, name: &str| {
        let value = tag.split(&format!(" {name}=\"")).nth(1)?.split('"').next()?;
        Some(value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&"))
    };
    let mut fields = BTreeMap::new();
    for tag in sent.split("<input").skip(1).map(|rest| rest.split('>').next().unwrap()) {
        if let Some(name) = attribute(tag, "name") {
            fields.insert(name, attribute(tag, "value").unwrap_or_default());
        }
    }
    for area in sent.split("<textarea").skip(1) {
        let (tag, rest) = area.split_once('>').unwrap();
        fields.insert(attribute(tag, "name").unwrap(), rest.split("</textarea>").next().unwrap().to_owned());
    }
    fields
}

fn encoded(fields: &BTreeMap<String, String>) -> String {
    let part = |text: &str| {
        text.bytes().fold(String::new(), |mut out, byte| {
            if byte.is_ascii_alphanumeric() {
                out.push(char::from(byte));
            } else {
                write!(out, "%{byte:02X}").unwrap();
            }
            out
        })
    };
    fields.iter().map(|(name, value)| format!("{}={}", part(name), part(value))).collect::<Vec<_>>().join("&")
}

impl Shop {
    async fn long_order(&self, lines: usize) -> Uuid {
        let line = |at: usize| json!({ "item": self.item, "quantity": { "value": (at + 1).to_string(), "unit": "pcs" } });
        let input = json!({ "customer": self.customer, "lines": (0..lines).map(line).collect::<Vec<_>>(), "allow_duplicate": true });
        id(&self.app.run(&self.admin, "sales.order.create", input).await)
    }

    async fn send_form(&self, user: &User, path: &str, fields: &BTreeMap<String, String>) -> Answer {
        let request = self
            .app
            .client
            .post(format!("{}{path}", self.app.base))
            .header("Cookie", format!("steward_session={}", user.token))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Origin", &self.app.base)
            .body(encoded(fields));
        self.app.send(request).await
    }

    async fn quantities(&self, order: Uuid) -> Vec<i64> {
        self.app.column(&self.tenant, &format!("SELECT quantity::bigint FROM sales_line WHERE order_id = '{order}' ORDER BY position")).await
    }
}

#[tokio::test]
async fn an_order_of_600_lines_is_read_and_edited_without_losing_one() {
    let shop = Shop::open().await;
    let order = shop.long_order(600).await;
    let detail = shop.app.get(&shop.admin, &format!("sales/orders/{order}")).await.ok();
    assert_eq!((detail["lines"].as_array().unwrap().len(), &detail["truncated"]), (600, &Value::Null));

    let path = format!("/app/sales/orders/{order}/edit");
    let page = shop.app.page(&shop.admin, &path).await;
    let mut form = fields(&page.text);
    form.insert("reference".into(), "A-600".into());
    form.insert("lines[598][quantity][value]".into(), "7".into());
    form.insert("_do".into(), "run".into());
    let answer = shop.send_form(&shop.admin, &path, &form).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let mut expected: Vec<i64> = (1..=600).collect();
    expected[598] = 7;
    assert_eq!(shop.quantities(order).await, expected);
    let reference: String = shop.app.peek(&shop.tenant, &format!("SELECT reference FROM sales_order WHERE id = '{order}'")).await;
    assert_eq!(reference, "A-600");
    shop.app.close().await;
}

#[tokio::test]
async fn what_is_cut_of_a_record_is_marked_and_its_form_leaves_it_alone() {
    let shop = Shop::open().await;
    let order = shop.long_order(1).await;
    // More than any command stores.
    let sql = format!(
        "WITH more AS (INSERT INTO sales_line (tenant_id, id, order_id, position, item_id, quantity, unit, unit_price, currency, owner_id, department_id, company_id)
             SELECT l.tenant_id, gen_random_uuid(), l.order_id, n, l.item_id, n, l.unit, 0, l.currency, l.owner_id, l.department_id, l.company_id
               FROM sales_line l, generate_series(2, {}) n WHERE l.order_id = '{order}' RETURNING 1)
         UPDATE sales_order SET line_count = 1 + (SELECT count(*) FROM more) WHERE id = '{order}'",
        LINES_MAX + 1
    );
    shop.app.poke(&shop.tenant, &sql).await;
    let detail = shop.app.get(&shop.admin, &format!("sales/orders/{order}")).await.ok();
    assert_eq!((detail["lines"].as_array().unwrap().len(), &detail["truncated"]), (LINES_MAX, &json!(["lines"])));
    let other = shop.app.get(&shop.admin, &format!("sales/orders/{order}?fields=number")).await.ok();
    assert_eq!(other["truncated"], Value::Null);

    let path = format!("/app/sales/orders/{order}");
    assert!(shop.app.page(&shop.admin, &path).await.text.contains("data-truncated"));
    let edit = format!("{path}/edit");
    let page = shop.app.page(&shop.admin, &edit).await;
    assert!(page.text.contains("data-withheld=\"lines\""), "{}", page.text);
    let mut form = fields(&page.text);
    assert!(form.keys().all(|name| !name.contains("lines[")), "{form:?}");
    form.insert("reference".into(), "A-1001".into());
    // What somebody sends all the same is not taken.
    form.insert("lines[0][item]".into(), shop.item.to_string());
    form.insert("lines[0][quantity][value]".into(), "3".into());
    form.insert("_do".into(), "run".into());
    let answer = shop.send_form(&shop.admin, &edit, &form).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert_eq!(shop.quantities(order).await, (1..=i64::try_from(LINES_MAX + 1).unwrap()).collect::<Vec<_>>());
    let reference: String = shop.app.peek(&shop.tenant, &format!("SELECT reference FROM sales_order WHERE id = '{order}'")).await;
    assert_eq!(reference, "A-1001");
    shop.app.close().await;
}
