//! The domain: alerts, groups, routes, schedules, escalation, incidents. Pure: no async, no I/O, no clock, no
//! random numbers, no hash order; so the same journal gives the same state on every machine.
//!
//! Read `intent` (what can be wanted), `decide` (what follows from it), `event` (what is kept) and `state`
//! (what is true then), in this order.

pub mod alert;
pub mod announcement;
mod apply;
pub mod audit;
pub mod config;
pub mod decide;
pub mod delivery;
pub mod deployment;
pub mod duration;
pub mod elsewhere;
pub mod event;
pub mod explain;
pub mod facts;
pub mod few;
pub mod group;
pub mod guide;
pub mod id;
pub mod incident;
pub mod intent;
pub mod labels;
pub mod link;
pub mod matcher;
pub mod offer;
pub mod oncall;
pub mod page;
pub mod permission;
pub mod person;
pub mod prose;
pub mod quiet;
pub mod reload;
pub mod response;
pub mod room;
pub mod run;
pub mod schedule;
pub mod state;
pub mod storm;
pub mod swap;
pub mod timeline;
pub mod upkeep;
