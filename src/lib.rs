//! Watchbell: the on-call team's bot.

pub mod domain;
pub mod journal;
