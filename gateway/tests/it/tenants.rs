//! `steward tenant create`, as an operator types it.

use crate::site::Site;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Output, Stdio};

const SECRET: &str = "a long enough password";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_is_made_at_the_command_line_in_either_placement_and_its_administrator_logs_in() {
    let site = Site::open().await;
    let file = site.write("password", &format!("{SECRET}\n"));
    let create = |slug: &str, more: &[&str], input: &str| -> Output {
        let mut command = site.program(&["tenant", "create", slug, "--name", "Kontor", "--admin-email", "Ada@Kontor.example"]);
        let mut child = command.args(more).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A command that refuses its arguments has closed its end already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    };
    let file = file.to_str().unwrap();
    // The password from a file, or from standard input: never an argument.
    for (slug, more, input, schema) in [
        ("kontor", vec!["--admin-password-file", file], String::new(), "pooled"),
        ("own-house", vec!["--placement", "schema", "--currency", "CHF", "--time-zone", "Europe/Zurich"], format!("{SECRET}\n"), "t_own_house"),
    ] {
        let made = create(slug, &more, &input);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        assert!(String::from_utf8_lossy(&made.stdout).trim_end().ends_with(slug));
        let placed: String = sqlx::query_scalar("SELECT schema FROM control.tenant WHERE slug = $1").bind(slug).fetch_one(site.owner.pool()).await.unwrap();
        assert_eq!(placed, schema);
    }
    for (slug, more, input, told) in [
        ("kontor", vec!["--admin-password-file", file], String::new(), "already"),
        ("Kontor", vec!["--admin-password-file", file], String::new(), "small letters"),
        ("third", vec![], "\n".to_owned(), "password"),
        ("third", vec!["--time-zone", "Mars/North"], format!("{SECRET}\n"), "time zone"),
    ] {
        let refused = create(slug, &more, &input);
        assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains(told), "{slug}: {}", String::from_utf8_lossy(&refused.stderr));
    }
    let listed = site.program(&["tenant", "list"]).stdout(Stdio::piped()).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(listed.contains("t_own_house"), "{listed}");

    let server = site.serve().await;
    for (slug, currency) in [("kontor", "EUR"), ("own-house", "CHF")] {
        let body = json!({ "tenant": slug, "email": "ada@kontor.example", "password": SECRET });
        let told: Value = site.client.post(format!("{}/api/v1/auth/login", site.base())).json(&body).send().await.unwrap().json().await.unwrap();
        let token = told["access_token"].as_str().unwrap_or_else(|| panic!("{told}"));
        let companies = site.client.get(format!("{}/api/v1/identity/companies", site.base())).bearer_auth(token).send().await.unwrap();
        let companies: Value = companies.json().await.unwrap();
        let seen: Vec<(&str, &str)> =
            companies["items"].as_array().unwrap().iter().map(|item| (item["name"].as_str().unwrap(), item["currency"].as_str().unwrap())).collect();
        assert_eq!(seen, [("Kontor", currency)], "the administrator sees the company of his own tenant");
    }
    drop(server);
    site.owner.close().await;
}
