//! Every sentence and card that people see comes from here, so that another language is data and not a rewrite.
//! Never decides, and never escapes for a platform: text is plain until an adapter renders it.

pub mod ack;
pub mod alert;
pub mod announcement;
pub mod audit;
pub mod card;
pub mod chat;
pub mod control;
mod deliveries;
pub mod deployment;
pub mod discord;
pub mod doctor;
pub mod explain;
pub mod fold;
pub mod form;
pub mod guide;
pub mod handover;
pub mod help;
pub mod house;
pub mod incident;
mod labels;
pub mod lines;
pub mod mail;
pub mod me;
pub mod message;
mod nobody;
pub mod oncall;
pub mod pager;
pub mod paging;
pub mod plain;
pub mod postmortem;
pub mod quiet;
pub mod refusal;
pub mod reply;
pub mod response;
pub mod room;
pub mod run;
pub mod runbook;
pub mod scene;
pub mod span;
pub mod status;
pub mod storm;
pub mod swap;
pub mod task;
pub mod timeline;
pub mod upkeep;
pub mod usage;
pub mod welcome;
pub mod when;

#[cfg(test)]
pub(crate) mod samples;
