//! Clients that go away: the upstream is left at once in every phase, nobody is blamed, and what may have been used is noted.

use super::asking::By;
use super::{Bench, Leaves, entry, place, split};
use crate::models::upstream::{Step, Upstream, delta, stream, text, within};
use futures::StreamExt;
use serde_json::{Value, json};

/// The client leaves when the upstream has sent all that it has to say, and nothing of it was for him yet.
async fn leaves_before_a_word(script: Vec<Step>, by: By) {
    let row = left(script, by).await;
    assert_eq!(row, entry(by, "fast", "cancelled", None, None, 1));
}

/// The row of a call whose client left so.
async fn left(script: Vec<Step>, by: By) -> Value {
    let upstream = Upstream::start([script]).await;
    let bench = Bench::open(&[place("first", upstream.base_url())]).await;
    let request = bench.doors.asks(by.path(), &by.body("fast"));
    tokio::select! {
        told = request.send() => panic!("nothing was said: {told:?}"),
        () = upstream.hangs() => {}
    }
    upstream.saw_the_client_leave().await;
    noted(bench).await
}

/// The only row. Nobody is blamed, and what was reserved counts.
async fn noted(bench: Bench) -> Value {
    let (row, nano) = split(&bench.doors.ledger(1).await[0]);
    assert!(nano > 0, "{row}");
    assert_eq!((bench.left_behind("first").await, bench.last_failure("first").await.as_str()), (Leaves::Nothing, ""));
    bench.close().await;
    row
}

#[tokio::test]
async fn before_the_headers() {
    for by in [By::Chat { stream: true }, By::Chat { stream: false }, By::Messages { stream: false }] {
        leaves_before_a_word(vec![Step::Hang], by).await;
    }
}

#[tokio::test]
async fn before_the_first_word() {
    let role = delta(&json!({ "role": "assistant", "content": "" }));
    for by in [By::Chat { stream: true }, By::Responses { stream: true }] {
        leaves_before_a_word(vec![stream(), role.clone(), Step::Hang], by).await;
    }
    let half = vec![Step::Head(200, vec![("content-type", "application/json".into())]), Step::Send(b"{\"id\": \"c\", ".to_vec()), Step::Hang];
    leaves_before_a_word(half, By::Chat { stream: false }).await;
}

#[tokio::test]
async fn in_mid_stream() {
    for by in [By::Chat { stream: true }, By::Messages { stream: true }] {
        let upstream = Upstream::start([vec![stream(), text("Half of an answer that "), Step::Hang]]).await;
        let bench = Bench::open(&[place("first", upstream.base_url())]).await;
        let told = within(bench.doors.asks(by.path(), &by.body("fast")).send()).await.unwrap();
        let mut told = told.bytes_stream();
        assert!(within(told.next()).await.unwrap().is_ok());
        drop(told);
        upstream.saw_the_client_leave().await;
        assert_eq!(noted(bench).await, entry(by, "fast", "cancelled", None, Some("first"), 1));
    }
}

#[tokio::test]
async fn while_a_whole_answer_is_put_together_from_a_stream() {
    for by in [By::Responses { stream: false }, By::Messages { stream: false }] {
        leaves_before_a_word(vec![stream(), text("half"), Step::Hang], by).await;
    }
}
