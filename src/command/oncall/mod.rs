//! `/oncall …`: who is on call, who will be, who stands in. Never decides it; schedules do.

pub(super) mod gaps;
pub(super) mod now;
pub(super) mod overriding;
pub(super) mod schedule;
pub(super) mod swap;
