//! Watchbell: the on-call team's bot.

pub mod chat;
pub mod cli;
pub mod command;
pub mod config;
pub mod domain;
pub mod engine;
pub mod intake;
pub mod journal;
pub mod links;
pub mod metrics;
pub mod notify;
pub mod text;
pub mod views;
