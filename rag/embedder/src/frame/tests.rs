use proptest::prelude::*;

use super::{BYTES_MAX, Error, encode, read, receive};
use crate::Purpose;
use crate::protocol::{Reply, Request, TEXTS_MAX};
use crate::{DIMENSIONS, TEXT_BYTES_MAX};

fn now<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    #[test]
    fn requests_come_out_as_they_went_in_one_after_the_other(texts in proptest::collection::vec(any::<String>(), 0..4), id in any::<u64>()) {
        let request = Request { id, purpose: Purpose::Query, texts };
        let mut stream = encode(&request).unwrap();
        stream.extend(encode(&request).unwrap());
        let mut rest = stream.as_slice();
        for _ in 0..2 {
            let found: Request = read(&mut rest).unwrap().unwrap();
            prop_assert_eq!(&found.texts, &request.texts);
            prop_assert_eq!(found.id, id);
        }
        prop_assert!(read::<Request>(&mut rest).unwrap().is_none());
        let found: Request = now(receive(&mut stream.as_slice())).unwrap().unwrap();
        prop_assert_eq!(found.texts, request.texts);
    }

    #[test]
    fn vectors_come_out_to_the_last_bit(vector in proptest::collection::vec(-1.0_f32..1.0, 1..64)) {
        let stream = encode(&Reply::Vectors { id: 1, vectors: vec![vector.clone()] }).unwrap();
        let Some(Reply::Vectors { vectors, .. }) = read(&mut stream.as_slice()).unwrap() else { panic!("another message") };
        prop_assert_eq!(&vectors[0], &vector);
    }

    #[test]
    fn whatever_arrives_is_a_message_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let (mut sync, mut pending) = (bytes.as_slice(), bytes.as_slice());
        let one = read::<Reply>(&mut sync);
        let other = now(receive::<Reply>(&mut pending));
        prop_assert_eq!(one.is_ok(), other.is_ok());
        prop_assert_eq!(one.is_ok(), bytes.is_empty(), "random bytes are no message");
    }

    #[test]
    fn a_message_that_is_cut_off_is_not_taken_for_an_end(keep in 1_usize..20) {
        let stream = encode(&Request { id: 7, purpose: Purpose::Passage, texts: vec!["a text".into()] }).unwrap();
        prop_assert!(matches!(read::<Request>(&mut &stream[..keep]), Err(Error::Cut)));
        prop_assert!(matches!(now(receive::<Request>(&mut &stream[..keep])), Err(Error::Cut)));
    }
}

#[test]
fn a_length_beyond_the_bound_is_refused_before_anything_is_read() {
    let length = u32::try_from(BYTES_MAX + 1).unwrap().to_be_bytes();
    assert!(matches!(read::<Request>(&mut length.as_slice()), Err(Error::TooLong(size)) if size == BYTES_MAX + 1));
    let long = Request { id: 1, purpose: Purpose::Query, texts: vec!["x".repeat(BYTES_MAX)] };
    assert!(matches!(encode(&long), Err(Error::TooLong(_))));
}

#[test]
fn the_largest_request_and_the_largest_answer_fit_into_a_frame() {
    // A control character takes six bytes in JSON.
    let texts = vec!["\u{1}".repeat(TEXT_BYTES_MAX); TEXTS_MAX];
    encode(&Request { id: u64::MAX, purpose: Purpose::Passage, texts }).unwrap();
    encode(&Reply::Vectors { id: u64::MAX, vectors: vec![vec![-1.234_567_8e-30; DIMENSIONS]; TEXTS_MAX] }).unwrap();
}
