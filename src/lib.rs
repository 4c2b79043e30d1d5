//! Watchbell: the on-call team's bot.

pub mod chat;
pub mod domain;
pub mod engine;
pub mod intake;
pub mod links;
pub mod notify;
pub mod text;
