//! The stand-in for a provider: the same answers each time, at once, in OpenAI's format.
//!
//! `POST /v1/chat/completions` is answered with [`ANSWER`], with `"stream":true` in the body by [`FRAMES`] server-sent
//! events; for the model [`IDLE`] the stream begins and then says next to nothing until it is dropped.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt};
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};

use crate::server::{self, Args};

/// Server-sent events of a stream: the role, the words, the end, the usage, `[DONE]`.
pub(crate) const FRAMES: u32 = 65;
/// Of every answer, in as many words as there are events for words. There are no figures in it: what guards an answer waits for
/// their end.
pub(crate) const TEXT: &str = "Three of our customers have not paid their invoices of the last quarter. The largest sum is open at the bakery \
                               in the old harbour, which asked for a later date and was granted it in spring. The other two were reminded twice by \
                               the colleague who looks after them, and both said they would pay before the month is over.";
/// Who sees it has seen all.
pub(crate) const LAST_WORD: &str = "over.";
/// The model whose streams stay open.
pub(crate) const IDLE: &str = "idle";
/// Between two signs of life of such a stream: below what gateways wait for before they give a stream up.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

type Body = UnsyncBoxBody<Bytes, Infallible>;

pub(crate) async fn run(args: Args) -> Result<()> {
    let (whole, frames) = (Bytes::from(answer()), frames());
    server::serve(&args, move |request| reply(request, whole.clone(), frames.clone())).await
}

async fn reply(request: Request<Incoming>, whole: Bytes, frames: Vec<Bytes>) -> Response<Body> {
    let Ok(body) = request.into_body().collect().await.map(|body| body.to_bytes()) else {
        return respond(StatusCode::BAD_REQUEST, "application/json", Full::new(Bytes::new()).boxed_unsync());
    };
    if !holds(&body, b"\"stream\":true") && !holds(&body, b"\"stream\": true") {
        return respond(StatusCode::OK, "application/json", Full::new(whole).boxed_unsync());
    }
    let idle = holds(&body, b"\"model\":\"idle\"") || holds(&body, b"\"model\": \"idle\"");
    let events = if idle { lasting(frames).left_stream() } else { one_by_one(frames).right_stream() };
    respond(StatusCode::OK, "text/event-stream", StreamBody::new(events.map(|event| Ok(Frame::data(event)))).boxed_unsync())
}

fn respond(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    response
}

/// Each event goes out by itself, as those of a model do: what is ready at the same time would go in one packet.
fn one_by_one(frames: Vec<Bytes>) -> impl Stream<Item = Bytes> + Send {
    stream::iter(frames).then(|frame| async {
        tokio::task::yield_now().await;
        frame
    })
}

fn lasting(frames: Vec<Bytes>) -> impl Stream<Item = Bytes> + Send {
    let word = frames.get(1).cloned().unwrap_or_default();
    let signs = stream::repeat(word).then(|word| async {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        word
    });
    // A few, for who waits for the next word before he hands one on.
    stream::iter(frames.into_iter().take(4)).chain(signs)
}

fn holds(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn words() -> impl Iterator<Item = &'static str> {
    TEXT.split_inclusive(' ')
}

/// 0.9 KB.
fn answer() -> String {
    format!(
        "{{\"id\":\"chatcmpl-bench0000000000000000000000\",\"object\":\"chat.completion\",\"created\":1767225600,\"model\":\"bench-1\",\
         \"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\"content\":\"{TEXT}\",\"refusal\":null}},\"logprobs\":null,\"finish_reason\":\"stop\"}}],\
         \"usage\":{USAGE},\"service_tier\":\"default\",\"system_fingerprint\":\"fp_bench\"}}"
    )
}

const USAGE: &str = "{\"prompt_tokens\":96,\"completion_tokens\":61,\"total_tokens\":157,\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\
                     \"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}";

fn frames() -> Vec<Bytes> {
    let chunk = |rest: String| {
        Bytes::from(format!(
            "data: {{\"id\":\"chatcmpl-bench0000000000000000000000\",\"object\":\"chat.completion.chunk\",\"created\":1767225600,\"model\":\"bench-1\",\
             \"system_fingerprint\":\"fp_bench\",{rest}}}\n\n"
        ))
    };
    let delta =
        |delta: &str, end: &str| chunk(format!("\"choices\":[{{\"index\":0,\"delta\":{{{delta}}},\"logprobs\":null,\"finish_reason\":{end}}}],\"usage\":null"));
    let mut frames = vec![delta("\"role\":\"assistant\",\"content\":\"\",\"refusal\":null", "null")];
    frames.extend(words().map(|word| delta(&format!("\"content\":\"{word}\""), "null")));
    frames.push(delta("", "\"stop\""));
    frames.push(chunk(format!("\"choices\":[],\"usage\":{USAGE}")));
    frames.push(Bytes::from_static(b"data: [DONE]\n\n"));
    frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_are_what_the_figures_speak_of() {
        assert_eq!(frames().len(), usize::try_from(FRAMES).unwrap());
        assert_eq!(words().count(), frames().len() - 4);
        let whole: serde_json::Value = serde_json::from_str(&answer()).unwrap();
        assert_eq!(whole["choices"][0]["message"]["content"], TEXT);
        assert!(TEXT.ends_with(LAST_WORD) && TEXT.matches(LAST_WORD).count() == 1);
        assert!((850..950).contains(&answer().len()), "{}", answer().len());
        for frame in &frames()[..frames().len() - 1] {
            let data = std::str::from_utf8(frame).unwrap().strip_prefix("data: ").unwrap();
            serde_json::from_str::<serde_json::Value>(data).unwrap();
        }
    }
}
