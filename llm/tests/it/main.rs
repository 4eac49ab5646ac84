//! Providers and dispatchers against a scripted upstream over real sockets.
//!
//! No test sleeps to let something happen: time-outs are short where the upstream never answers, long everywhere else, and every
//! wait is for a condition. Only an upstream that has to be slow is slow.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what helpers of tests cannot do fails the test")]

mod answers;
mod board;
mod breaker;
mod dialects;
mod dispatching;
mod endpoints;
mod failures;
mod faults;
mod hedge;
mod meter;
mod privacy;
mod recovery;
mod reload;
mod reply;
mod scripted;
mod upstream;
mod whole;
