//! The tests that look at Watchbell from outside: its shape, its process, the real programs around it.
//! One binary, so that all of it is linked once.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::vec_box,
    reason = "the numbers of the simulation are small, and it keeps what the engine gives in its box"
)]

mod alertmanager_races;
mod chat;
mod chat_discord;
mod command_line;
mod crash;
mod deployments;
mod disk;
mod documents;
mod elsewhere;
mod explain;
mod full;
mod fuzzed;
mod guides;
mod identity;
mod layers;
mod mail;
mod main_job;
mod pagerduty;
#[expect(dead_code, reason = "the load generator measures with it")]
mod peer;
mod promises;
mod qflow;
mod quiet;
mod reload;
mod response;
mod rooms;
mod runbooks;
mod runbooks_alone;
mod runs;
mod sample;
mod simulation;
mod source;
mod stone;
mod stories;
mod storm;
mod terminal;
mod tidiness;
mod together;
mod upkeep;
mod watching;
mod world;
