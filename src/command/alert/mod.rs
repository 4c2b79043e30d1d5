//! `/alert …`: what fires and what fired. Never changes an alert: that is its source's business.

pub(super) mod ack;
pub(super) mod explain;
pub(super) mod list;
pub(super) mod show;
