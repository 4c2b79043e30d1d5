//! The chat platforms by real sockets: one contract for all of them, and what is particular to each against a fake
//! that speaks its protocol. Never reaches a real platform.

pub mod contract;
pub mod fake_slack;
mod guide;
pub mod identity;
mod response;
mod scenario;
mod slack;
mod slack_calls;
mod slack_http;
mod slack_lines;
mod slack_refused;
