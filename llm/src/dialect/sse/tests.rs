use proptest::prelude::*;

use super::{EVENT_BYTES_MAX, Events};

/// The data and the bytes of each event.
fn read(chunks: &[&[u8]]) -> Vec<(String, String)> {
    let mut events = Events::default();
    let mut out = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    for chunk in chunks {
        events.push(chunk);
        while let Some(event) = events.next().unwrap() {
            out.push((text(&event.data), text(&event.raw)));
        }
    }
    out.extend(events.rest().map(|event| (text(&event.data), text(&event.raw))));
    out
}

const STREAM: &[u8] = ": ping\r\n\r\ndata: {\"a\":\"é\"}\n\nevent: x\ndata:one\ndata: two\n\n\n\nid: 3\r\ndata: [DONE]\r\n\r\ndata: left".as_bytes();

#[test]
fn events_are_cut_out_of_comments_fields_and_line_ends() {
    let data: Vec<_> = read(&[STREAM]).into_iter().map(|(data, _)| data).collect();
    assert_eq!(data, ["{\"a\":\"é\"}", "one\ntwo", "[DONE]", "left"]);
}

#[test]
fn the_bytes_of_an_event_are_as_they_came_and_end_it() {
    let raw: Vec<_> = read(&[STREAM]).into_iter().map(|(_, raw)| raw).collect();
    assert_eq!(raw, ["data: {\"a\":\"é\"}\n\n", "event: x\ndata:one\ndata: two\n\n", "id: 3\r\ndata: [DONE]\r\n\r\n", "data: left\n\n"]);
}

#[test]
fn an_event_without_an_end_is_refused_before_it_fills_the_memory() {
    let mut events = Events::default();
    events.push(b"data: ");
    events.push(&vec![b'x'; EVENT_BYTES_MAX]);
    assert!(events.next().is_err());

    let mut events = Events::default();
    events.push(&b"data: x\n".repeat(EVENT_BYTES_MAX / 8 + 1));
    assert!(events.next().is_err());
}

proptest! {
    #[test]
    fn events_do_not_depend_on_how_the_bytes_arrive(cuts in prop::collection::vec(0..STREAM.len(), 0..12)) {
        let mut cuts = cuts;
        cuts.sort_unstable();
        let mut chunks = Vec::new();
        let mut from = 0;
        for cut in cuts {
            chunks.push(&STREAM[from..cut]);
            from = cut;
        }
        chunks.push(&STREAM[from..]);
        prop_assert_eq!(read(&chunks), read(&[STREAM]));
    }
}
