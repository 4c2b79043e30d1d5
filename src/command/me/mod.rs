//! `/me …`: whom Watchbell takes somebody for.

pub(in crate::command) mod link;
pub(in crate::command) mod show;
pub(in crate::command) mod unlink;
