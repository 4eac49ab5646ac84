//! Another configuration while requests run.

use std::sync::Arc;

use futures::StreamExt;
use steward_llm::config::{self, Config};
use steward_llm::{Delta, Kind};
use tokio::sync::Notify;

use crate::board::{Plan, board, site, words};
use crate::scripted::request;
use crate::upstream::{Step, Upstream, answer, done, finish, stream, text, within};

#[tokio::test]
async fn a_request_ends_as_it_began_and_the_next_one_follows_the_new_configuration() {
    let go = Arc::new(Notify::new());
    let held = vec![stream(), text("begun"), Step::Wait(go.clone()), text(" and done"), finish("stop"), done(), Step::End];
    let first = Upstream::start([held]).await;
    let second = Upstream::start([answer("from the second")]).await;
    let board = board(vec![site("first", first.base_url())]);
    let mut running = board.chat(&request()).await.unwrap().answer.into_stream();
    assert!(running.next().await.unwrap().is_ok());

    let next = Plan::of(vec![site("second", second.base_url())]).config();
    assert_eq!(board.dispatcher.live().reload(Ok(next), &|_| None), Ok(2));
    assert_eq!(words(board.chat(&request()).await.unwrap()).await, ("from the second".to_owned(), "second".to_owned(), false));

    go.notify_one();
    let rest: Vec<Delta> = within(running.map(|chunk| chunk.unwrap().deltas).collect::<Vec<_>>()).await.into_iter().flatten().collect();
    assert_eq!(rest[0], Delta::Text(" and done".to_owned()));
    assert!(matches!(rest.last(), Some(Delta::Finish(_))));
    assert_eq!(first.requests().len(), 1);
}

#[tokio::test]
async fn a_configuration_with_a_mistake_takes_no_effect_and_says_all_of_it() {
    let upstream = Upstream::start([answer("fine")]).await;
    let board = board(vec![site("first", upstream.base_url())]);
    let mut wrong: Config = Plan::of(vec![site("first", "nowhere".to_owned())]).config();
    wrong.aliases.insert("empty".to_owned(), config::Alias::default());

    let problems = board.dispatcher.live().reload(Ok(wrong), &|_| None).unwrap_err();

    let paths: Vec<&str> = problems.0.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["providers.first.base_url", "aliases.empty.tiers"]);
    assert_eq!(words(board.chat(&request()).await.unwrap()).await.0, "fine");
    let loaded = board.dispatcher.live().state().loaded;
    assert_eq!((loaded.version, loaded.failed.map(|failed| failed.problems)), (1, Some(problems)));
}

#[tokio::test]
async fn what_cannot_be_called_is_a_mistake_and_a_name_that_is_none_is_said_to_be() {
    let upstream = Upstream::start([answer("fine")]).await;
    let board = board(vec![site("first", upstream.base_url())]);
    let mut wrong = Plan::of(vec![crate::board::Site { keys: vec!["main"], ..site("first", upstream.base_url()) }]).config();
    wrong.providers.get_mut("first").unwrap().proxy_url = Some("socks9://localhost".to_owned());
    assert_eq!(board.dispatcher.live().reload(Ok(wrong), &|_| None).unwrap_err().0[0].path, "providers.first.proxy_url");
    let error = board.dispatcher.chat(&steward_llm::dispatch::Call { alias: "other", ..board.call() }, &request()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::ModelUnavailable);
}
