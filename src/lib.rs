//! Watchbell: the on-call team's bot.
//!
//! The way of an alert: [`web`] takes it, [`intake`] reads it, [`engine`] decides it (by the rules of [`domain`]) and
//! the [`journal`] keeps what follows; only then is it answered. The way of a page: the engine's outbox hands it to a
//! courier of [`notify`] or [`chat`], with words from [`text`]. The way of a command: [`web`] or [`chat`] takes it,
//! [`command`] reads it and asks the engine. What is looked up comes from the engine's state or from the [`views`].
//! [`app`] wires all of it together; [`cli`] starts it.

pub mod app;
pub mod chat;
pub mod cli;
pub mod command;
pub mod config;
pub mod domain;
pub mod engine;
pub mod intake;
pub mod journal;
pub mod links;
pub mod memory;
pub mod metrics;
pub mod notify;
pub mod observe;
pub mod pictures;
pub mod runbook;
pub mod text;
pub mod views;
pub mod web;
