//! Watchbell: the on-call team's bot.

pub mod config;
pub mod domain;
