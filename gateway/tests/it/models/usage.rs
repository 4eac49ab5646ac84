//! What the tenants used, for whoever pays the providers.

use super::{Doors, asking, whole};
use crate::app::TestApp;
use crate::model::Model;
use steward_migrations::Placement;

/// What `steward usage` prints, as rows of fields.
fn usage(app: &TestApp, arguments: &[&str]) -> Vec<Vec<String>> {
    let output = app.program(&[&["usage"], arguments].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(&*output.stdout);
    rows.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_tells_what_each_tenant_used() {
    let model = Model::start("first", vec![whole("Hello.")]).await;
    let doors = Doors::open(&[&model]).await;
    doors.app.tenant("quiet", Placement::Schema).await;
    for _ in 0..2 {
        doors.chat(&asking("Hi")).await.ok();
    }
    let nano: i64 = doors.ledger(2).await.iter().map(|entry| entry["nano"].as_i64().unwrap()).sum();
    assert!(nano > 0);

    // The clock of these tests stands still; the program has its own.
    let days = ["--from", "2000-01-01", "--to", "2100-01-01"];
    let told = usage(&doors.app, &days);
    assert_eq!(told[0], ["tenant", "requests", "failed", "refused", "unpriced", "input_tokens", "output_tokens", "cost"]);
    let of = |slug: &str| told.iter().find(|row| row[0] == slug).unwrap()[1..].to_vec();
    assert_eq!(of("doors")[..4], ["2", "0", "0", "0"]);
    assert_eq!(of("doors")[6].parse::<f64>().unwrap(), nano as f64 / 1e9);
    assert_eq!(of("quiet"), ["0", "0", "0", "0", "0", "0", "0"]);

    let by_model = usage(&doors.app, &[&["--tenant", "doors", "--by", "model"], &days[..]].concat());
    assert_eq!((&by_model[0][1], &by_model[1][..3]), (&"name".to_owned(), &["doors".to_owned(), "first/scripted".to_owned(), "2".to_owned()][..]));
    let by_user = usage(&doors.app, &[&["--by", "user"], &days[..]].concat());
    assert_eq!((by_user.len(), &by_user[1][..1], &by_user[1][2]), (2, &["doors".to_owned()][..], &"2".to_owned()));
    assert_eq!(usage(&doors.app, &["--by", "day", "--from", "2001-01-01", "--to", "2001-12-31"]).len(), 1, "nothing but the names");

    let refused = doors.app.program(&["usage", "--tenant", "nobody"]);
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("nobody"));
    let backwards = doors.app.program(&["usage", "--from", "2026-02-01", "--to", "2026-01-01"]);
    assert!(!backwards.status.success() && backwards.stdout.is_empty());
    doors.app.close().await;
}
