//! `/maintenance …`: somebody works on a thing, and nobody is woken for it. A silence by another name: it is counted
//! with them, and never hides more than its alerts.

pub(super) mod end;
pub(super) mod list;
pub(super) mod start;
