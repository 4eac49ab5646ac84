//! A repeated call under the client's own key is answered, and not made again.

use crate::Firm;
use bytes::Bytes;
use std::time::Duration;
use steward_ai::idempotency::{Answer, Begun, Ticket};
use steward_ai::{Settings, idempotency};
use steward_kernel::Code;
use steward_migrations::Placement;

const BODY: [u8; 32] = [1; 32];

fn answer(body: &str) -> Answer {
    Answer { status: 200, content_type: "application/json".into(), body: Bytes::copy_from_slice(body.as_bytes()) }
}

fn run(begun: Begun) -> Ticket {
    match begun {
        Begun::Run(ticket) => ticket,
        Begun::Answered(answer) => panic!("it was answered: {answer:?}"),
    }
}

#[tokio::test]
async fn the_same_call_is_made_once_and_its_answer_given_again() {
    for placement in [Placement::Pooled, Placement::Schema] {
        let firm = Firm::open(placement).await;
        let other = firm.another(Settings::default());
        let caller = firm.caller().await;
        let ticket = run(firm.gateway().idempotency.begin(&caller, "k1", &BODY).await.unwrap());
        let error = other.gateway.idempotency.begin(&caller, "k1", &BODY).await.unwrap_err();
        assert_eq!((error.code, error.reason), (Code::Conflict, Some("ai.idempotency_running")));
        firm.gateway().idempotency.finish(ticket, &answer("{\"a\":1}")).await.unwrap();
        match other.gateway.idempotency.begin(&caller, "k1", &BODY).await.unwrap() {
            Begun::Answered(given) => assert_eq!(given, answer("{\"a\":1}")),
            Begun::Run(_) => panic!("it ran twice"),
        }
        assert_eq!(firm.gateway().idempotency.begin(&caller, "k1", &[2; 32]).await.unwrap_err().code, Code::IdempotencyMismatch);
        // Another principal's key of the same name is another key.
        let person = firm.gateway().access.person(caller.tenant, caller.user).await.unwrap().unwrap();
        let _other = run(firm.gateway().idempotency.begin(&person, "k1", &BODY).await.unwrap());
    }
}

#[tokio::test]
async fn a_call_that_came_to_nothing_frees_its_key_and_so_does_time() {
    let firm = Firm::open(Placement::Pooled).await;
    let caller = firm.caller().await;
    let keys = &firm.gateway().idempotency;
    let ticket = run(keys.begin(&caller, "k1", &BODY).await.unwrap());
    keys.abandon(ticket).await.unwrap();
    let first = run(keys.begin(&caller, "k1", &BODY).await.unwrap());
    // Its process has died; whoever comes next makes the call, and the first one has no say any more.
    firm.pass(idempotency::Settings::default().run);
    let second = run(keys.begin(&caller, "k1", &BODY).await.unwrap());
    keys.finish(first, &answer("late")).await.unwrap();
    keys.begin(&caller, "k1", &BODY).await.unwrap_err();
    keys.finish(second, &answer("right")).await.unwrap();
    assert!(matches!(keys.begin(&caller, "k1", &BODY).await.unwrap(), Begun::Answered(given) if given == answer("right")));
    firm.pass(idempotency::Settings::default().keep + Duration::from_secs(1));
    let again = run(keys.begin(&caller, "k1", &[3; 32]).await.unwrap());
    keys.abandon(again).await.unwrap();
}

#[tokio::test]
async fn of_many_at_once_one_runs() {
    let firm = Firm::open(Placement::Pooled).await;
    let caller = firm.caller().await;
    let begun = futures::future::join_all((0..16).map(|_| firm.gateway().idempotency.begin(&caller, "k1", &BODY))).await;
    let runs = begun.iter().filter(|begun| matches!(begun, Ok(Begun::Run(_)))).count();
    assert_eq!(runs, 1);
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_kept_and_a_key_has_bounds() {
    let settings = Settings { idempotency: idempotency::Settings { answer_bytes_max: 4, ..idempotency::Settings::default() }, ..Settings::default() };
    let firm = Firm::with(Placement::Pooled, settings).await;
    let caller = firm.caller().await;
    let keys = &firm.gateway().idempotency;
    let ticket = run(keys.begin(&caller, "k1", &BODY).await.unwrap());
    keys.finish(ticket, &answer("12345")).await.unwrap();
    let _again = run(keys.begin(&caller, "k1", &BODY).await.unwrap());
    for wrong in [String::new(), "k".repeat(256), "a\nb".into()] {
        assert_eq!(keys.begin(&caller, &wrong, &BODY).await.unwrap_err().code, Code::BadRequest);
    }
}
