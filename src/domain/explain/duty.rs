//! Why a schedule names somebody at an instant: the layer with its turn, or an override. Never decides who is on call.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::{
    config::Config,
    id::{OverrideId, PersonId, ScheduleId},
    schedule::{Because, Override},
};

/// Who a schedule names, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duty {
    /// The schedule.
    pub schedule: ScheduleId,
    /// Whom it names; nobody: a gap.
    pub person: Option<PersonId>,
    /// Since when (civil time).
    pub since: Timestamp,
    /// Until when (civil time).
    pub until: Timestamp,
    /// The override that says so.
    pub overriding: Option<OverrideId>,
    /// The layer that says so, counted from 1.
    pub layer: Option<usize>,
    /// Which turn of that layer it is, counted from 1.
    pub turn: Option<i64>,
}

/// Why a target such as `schedule:primary` means whom it means at an instant; nothing when it is no schedule, or one
/// that the configuration no longer has.
#[must_use]
pub fn duty(config: &Config, overrides: &[Override], target: &str, at: Timestamp) -> Option<Duty> {
    let schedule = config.schedules.get(target.strip_prefix("schedule:")?)?;
    let shift = schedule.shift_at(at, overrides);
    let (layer, overriding) = match shift.because {
        Because::Layer(number) => (Some(number), None),
        Because::Override(id) => (None, Some(id)),
        Because::Gap => (None, None),
    };
    Some(Duty {
        schedule: schedule.id.clone(),
        person: shift.person,
        since: shift.since,
        until: shift.until,
        overriding,
        layer,
        turn: layer.and_then(|layer| schedule.turn(layer, at)),
    })
}
