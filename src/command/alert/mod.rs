//! `/alert …`: what fires and what fired. Never forgets an alert that is over by a
//! person's word alone: its source may start it anew.

pub(super) mod ack;
pub(super) mod explain;
pub(super) mod list;
pub(super) mod resolve;
pub(super) mod show;
pub(super) mod snooze;
