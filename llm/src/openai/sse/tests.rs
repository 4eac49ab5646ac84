use proptest::prelude::*;

use super::{EVENT_BYTES_MAX, Events};

fn read(chunks: &[&[u8]]) -> Vec<String> {
    let mut events = Events::default();
    let mut out = Vec::new();
    for chunk in chunks {
        events.push(chunk);
        while let Some(data) = events.next().unwrap() {
            out.push(String::from_utf8_lossy(&data).into_owned());
        }
    }
    out.extend(events.rest().unwrap().map(|data| String::from_utf8_lossy(&data).into_owned()));
    out
}

const STREAM: &[u8] = ": ping\r\n\r\ndata: {\"a\":\"é\"}\n\nevent: x\ndata:one\ndata: two\n\n\n\nid: 3\r\ndata: [DONE]\r\n\r\ndata: left".as_bytes();

#[test]
fn events_are_cut_out_of_comments_fields_and_line_ends() {
    assert_eq!(read(&[STREAM]), ["{\"a\":\"é\"}", "one\ntwo", "[DONE]", "left"]);
}

#[test]
fn a_line_without_an_end_is_refused_before_it_fills_the_memory() {
    let mut events = Events::default();
    events.push(b"data: ");
    events.push(&vec![b'x'; EVENT_BYTES_MAX]);
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
