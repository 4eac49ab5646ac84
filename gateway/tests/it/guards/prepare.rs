//! Slow work of a command is done before its unit of work opens, for who may run it, and never in a preview.

use crate::app::TestApp;
use crate::shop::T;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use steward_kernel::bus::{Request, Step};
use steward_kernel::command::{Boxed, Command, Outcome};
use steward_kernel::work::{Mode, Work};
use steward_kernel::{Code, CommandSpec, Error, Field, Module, Result};
use steward_migrations::Placement;
use tokio::sync::Semaphore;

static PREPARED: AtomicUsize = AtomicUsize::new(0);
/// The slow work takes until somebody opens this gate.
static GATE: Semaphore = Semaphore::const_new(0);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlowWork {
    text: String,
}

impl Command for SlowWork {
    fn spec() -> CommandSpec {
        CommandSpec { resource: "identity.company".into(), ..CommandSpec::new("probe.company.work") }.input(Field::text("text").required())
    }

    fn prepare(input: &Value) -> Option<Boxed<'_, Result<Value>>> {
        let text = input["text"].as_str()?;
        Some(Box::pin(async move {
            PREPARED.fetch_add(1, Ordering::SeqCst);
            let permit = GATE.acquire().await.map_err(|_| Error::internal("the gate was closed"))?;
            permit.forget();
            Ok(json!(format!("prepared {text}")))
        }))
    }

    async fn handle(self, work: &mut Work) -> Result<Outcome> {
        let prepared = work.take_prepared();
        match work.mode() {
            Mode::Execute => assert_eq!(prepared, Some(json!(format!("prepared {}", self.text)))),
            Mode::Preview => assert_eq!(prepared, None),
        }
        assert_eq!(work.take_prepared(), None);
        Ok(Outcome::nothing())
    }
}

#[tokio::test]
async fn what_a_command_prepares_is_done_outside_of_a_transaction_and_for_who_may_run_it() {
    let app = TestApp::with(vec![Module::new("probe").depends(&["identity"]).command::<SlowWork>()]).await;
    let tenant = app.tenant("acme", Placement::Pooled).await;
    let user = app.user(&tenant, "Nancy", &[("probe:company:work", T)]).await;
    let other = app.user(&tenant, "Andrew", &[]).await;
    let step = |text: &str| Step { command: "probe.company.work".into(), input: json!({ "text": text }), name: None, expected_version: None };

    let refused = app.kernel.execute(&other.principal, Request::new("probe.company.work", json!({ "text": "a" }))).await.unwrap_err();
    assert_eq!(refused.code, Code::Forbidden);
    app.kernel.preview(&user.principal, &[step("a")]).await.unwrap();
    assert_eq!(PREPARED.load(Ordering::SeqCst), 0);

    let plan = steward_kernel::bus::Plan { steps: vec![step("a"), step("b")], idempotency_key: None, detail: json!({}), expected_digest: None };
    let running = {
        let (kernel, principal) = (app.kernel.clone(), user.principal.clone());
        app.tasks.spawn(async move { kernel.execute_plan(&principal, plan).await })
    };
    while PREPARED.load(Ordering::SeqCst) == 0 {
        assert!(!running.is_finished(), "nothing was prepared");
        tokio::task::yield_now().await;
    }
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'steward' AND xact_start IS NOT NULL";
    assert_eq!(app.peek::<i64>(&tenant, open).await, 0, "a transaction is open while the slow work goes on");
    GATE.add_permits(2);
    assert_eq!(running.await.unwrap().unwrap().len(), 2);
    assert_eq!(PREPARED.load(Ordering::SeqCst), 2);
    app.close().await;
}
