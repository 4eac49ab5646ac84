use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex};

use anyhow::{Result, bail};
use steward_embedder::protocol::{Reply, Request};
use steward_embedder::{Purpose, frame};

use super::until_input_ends;

/// An input that is written while it is read; dropping the sender ends it.
struct Input {
    more: Receiver<Vec<u8>>,
    rest: Vec<u8>,
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.more.recv() {
                Ok(bytes) => self.rest = bytes,
                Err(_) => return Ok(0),
            }
        }
        let taken = self.rest.len().min(into.len());
        into[..taken].copy_from_slice(&self.rest[..taken]);
        self.rest.drain(..taken);
        Ok(taken)
    }
}

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output {
    fn replies(&self) -> Vec<Reply> {
        let bytes = self.0.lock().unwrap().clone();
        let mut rest = bytes.as_slice();
        std::iter::from_fn(|| frame::read(&mut rest).unwrap()).collect()
    }
}

fn input() -> (Sender<Vec<u8>>, Input) {
    let (sender, more) = channel();
    (sender, Input { more, rest: Vec::new() })
}

fn request(id: u64, purpose: Purpose, texts: &[String]) -> Vec<u8> {
    frame::encode(&Request { id, purpose, texts: texts.to_vec() }).unwrap()
}

fn long(letter: char) -> String {
    letter.to_string().repeat(2_000)
}

/// The model of these tests: a text's vector is its length.
fn lengths(texts: &[&str]) -> Vec<Vec<f32>> {
    texts.iter().map(|text| vec![f32::from(u16::try_from(text.len()).unwrap())]).collect()
}

#[test]
fn a_question_overtakes_passages_that_are_half_done() {
    // What is sent is handed over: when something more can be sent, what was sent before stands in its lane.
    let (sender, more) = sync_channel(0);
    let input = Input { more, rest: Vec::new() };
    let output = Output::default();
    let (told, computed) = channel();
    let (go_on, waiting) = channel::<()>();
    let serving = {
        let output = output.clone();
        std::thread::spawn(move || {
            until_input_ends(input, output, move |texts: &[&str]| {
                told.send(texts[0].chars().next().unwrap()).unwrap();
                let _ = waiting.recv();
                Ok(lengths(texts))
            })
        })
    };
    sender.send(request(1, Purpose::Passage, &[long('a'), long('b'), long('c')])).unwrap();
    assert_eq!(computed.recv().unwrap(), 'a');
    sender.send(request(2, Purpose::Query, &["question".into()])).unwrap();
    sender.send(request(3, Purpose::Passage, &["z".into()])).unwrap();
    sender.send(Vec::new()).unwrap();
    let mut order = Vec::new();
    for _ in 0..4 {
        go_on.send(()).unwrap();
        order.push(computed.recv().unwrap());
    }
    assert_eq!(order, ['q', 'b', 'c', 'z']);
    // The last batch is finished although the input ends meanwhile.
    drop(sender);
    drop(go_on);
    serving.join().unwrap().unwrap();
    let ids: Vec<u64> = output.replies().iter().map(|reply| if let Reply::Vectors { id, .. } = reply { *id } else { panic!("{reply:?}") }).collect();
    assert_eq!(ids, [2, 1, 3]);
}

#[test]
fn vectors_come_back_in_the_order_of_their_texts_and_long_texts_are_computed_alone() {
    let (sender, input) = input();
    let output = Output::default();
    let texts = ["mm".to_owned(), long('l'), String::new(), long('k'), "s".to_owned()];
    sender.send(request(9, Purpose::Passage, &texts)).unwrap();
    sender.send(request(10, Purpose::Passage, &[])).unwrap();
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let (seen, done) = (Arc::clone(&sizes), Mutex::new(Some(sender)));
    until_input_ends(input, output.clone(), move |texts: &[&str]| -> Result<Vec<Vec<f32>>> {
        let mut seen = seen.lock().unwrap();
        seen.push(texts.len());
        // The end of the input must not come before the last batch begins.
        if seen.iter().sum::<usize>() == 5 {
            done.lock().unwrap().take();
        }
        Ok(lengths(texts))
    })
    .unwrap();
    assert_eq!(*sizes.lock().unwrap(), [3, 1, 1]);
    let Reply::Vectors { id: 9, vectors } = &output.replies()[0] else { panic!("another reply") };
    assert_eq!(*vectors, [[2.0], [2_000.0], [0.0], [2_000.0], [1.0]]);
}

#[test]
fn a_request_that_cannot_be_computed_is_answered_and_the_next_one_is_computed() {
    let (sender, input) = input();
    let output = Output::default();
    sender.send(request(1, Purpose::Query, &["bad".into()])).unwrap();
    sender.send(request(2, Purpose::Query, &["good".into()])).unwrap();
    let done = Mutex::new(Some(sender));
    until_input_ends(input, output.clone(), move |texts: &[&str]| {
        if texts == ["bad"] {
            bail!("it does not fit");
        }
        done.lock().unwrap().take();
        Ok(lengths(texts))
    })
    .unwrap();
    let replies = output.replies();
    assert!(matches!(&replies[0], Reply::Failed { id: 1, message } if message == "it does not fit"), "{replies:?}");
    assert!(matches!(&replies[1], Reply::Vectors { id: 2, .. }), "{replies:?}");
}

#[test]
fn what_is_no_request_ends_the_worker() {
    let refused = until_input_ends([0_u8, 0, 0, 2, b'{', b'x'].as_slice(), Output::default(), |texts: &[&str]| Ok(lengths(texts))).unwrap_err();
    assert!(format!("{refused:#}").contains("malformed"), "{refused:#}");
}
