//! Watchbell: the on-call team's bot.

pub mod chat;
pub mod domain;
pub mod engine;
pub mod journal;
pub mod metrics;
pub mod text;
pub mod views;
