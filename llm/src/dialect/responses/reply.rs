//! A whole response for a caller.

use bytes::Bytes;

use super::stream::Encoder;
use crate::dialect::{Head, to_bytes};
use crate::reply::Reply;

/// Writes an answer for a caller: what the last event of its stream would hold.
pub fn encode(reply: &Reply, head: &Head) -> Bytes {
    let mut encoder = Encoder::new(head.clone());
    let mut events = Vec::new();
    for delta in reply.clone().into_deltas() {
        encoder.delta(&delta, &mut events);
        events.clear();
    }
    to_bytes(&encoder.response())
}
