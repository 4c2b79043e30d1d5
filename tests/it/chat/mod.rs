//! The chat platforms by real sockets: one contract for all of them, and what is particular to each against a fake
//! that speaks its protocol. Never reaches a real platform.

pub mod contract;
mod fake_slack;
mod response;
mod scenario;
mod slack;
