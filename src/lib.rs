//! Watchbell: the on-call team's bot.

pub mod chat;
pub mod config;
pub mod command;
pub mod domain;
pub mod engine;
pub mod journal;
pub mod metrics;
pub mod intake;
pub mod links;
pub mod notify;
pub mod text;
pub mod views;
