//! `/oncall override …`: somebody stands in for whoever a schedule names.

pub(in crate::command) mod add;
pub(in crate::command) mod list;
pub(in crate::command) mod remove;
