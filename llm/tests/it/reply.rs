//! Whole answers, put together from parts.

use futures::{StreamExt, stream};
use steward_llm::{Delta, Error, FinishReason, Kind, Reply, ToolCall, collect};

async fn whole(deltas: Vec<Delta>) -> Result<Reply, Error> {
    collect(stream::iter(deltas.into_iter().map(|delta| Ok(delta.into()))).boxed()).await
}

fn call(index: u32, id: &str, name: &str, arguments: &str) -> Delta {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Delta::ToolCall { index, id: given(id), name: given(name), arguments_fragment: arguments.to_owned() }
}

fn calls(reply: &Reply) -> Vec<ToolCall> {
    reply.tool_calls().cloned().collect()
}

fn tool_call(id: &str, name: &str, arguments: &str) -> ToolCall {
    ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned() }
}

#[tokio::test]
async fn calls_with_one_index_are_told_apart_by_their_ids() {
    let deltas = vec![call(0, "a", "query", "{\"n\""), call(0, "a", "", ":1}"), call(0, "b", "report", "{}"), Delta::Finish(FinishReason::ToolCalls)];
    let reply = whole(deltas).await.unwrap();
    assert_eq!(calls(&reply), [tool_call("a", "query", "{\"n\":1}"), tool_call("b", "report", "{}")]);
}

#[tokio::test]
async fn a_call_without_id_gets_one() {
    let deltas = vec![call(0, "", "query", ""), call(1, "", "query", "{}"), Delta::Finish(FinishReason::ToolCalls)];
    let reply = whole(deltas).await.unwrap();
    assert_eq!(calls(&reply), [tool_call("call_0", "query", "{}"), tool_call("call_1", "query", "{}")]);
}

#[tokio::test]
async fn a_call_that_cannot_be_read_is_an_error() {
    for arguments in ["{\"half\":", "[1]", "null", "text"] {
        let deltas = vec![call(0, "a", "query", arguments), Delta::Finish(FinishReason::Length)];
        assert_eq!(whole(deltas).await.unwrap_err().kind(), Kind::InvalidToolCall, "{arguments}");
    }
    let nameless = vec![call(0, "a", "", "{}"), Delta::Finish(FinishReason::ToolCalls)];
    assert_eq!(whole(nameless).await.unwrap_err().kind(), Kind::InvalidToolCall);
}

#[tokio::test]
async fn an_answer_without_a_finish_is_cut() {
    assert_eq!(whole(vec![Delta::Text("half".to_owned())]).await.unwrap_err().kind(), Kind::Cut);
}
