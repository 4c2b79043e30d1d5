//! `/oncall …`: who is on call, who will be, who stands in. Never decides it; schedules do.

pub(super) mod now;
pub(super) mod overriding;
pub(super) mod schedule;
