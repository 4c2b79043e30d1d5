//! What keeps an alert quiet: silences and maintenance. Never decides it; it only says what was decided.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::story::civil;
use crate::domain::{
    event::Record,
    id::{GroupId, IncidentId, SilenceId},
    intent::Now,
    labels::Labels,
    quiet::{Hushing, QuietEvent},
    state::State,
};

/// One thing that keeps an alert quiet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuietLine {
    /// What it is, as people name it: `silence S-3`.
    pub what: String,
    /// Who wanted it.
    pub by: String,
    /// Why, in their words.
    pub why: String,
    /// Until when (civil time).
    pub until: Option<Timestamp>,
}

/// Something that made a group quiet, or had it heard again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuietMoment {
    /// When (civil time).
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: QuietChange,
}

/// What became of a group by silences, maintenance and snoozes. All instants are civil time.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum QuietChange {
    /// All its alerts became quiet, or something else keeps them so.
    Quiet {
        /// By what.
        by: Vec<QuietBy>,
        /// Until when it was to be, at first.
        until: Timestamp,
        /// Nobody had been told of it.
        untold: bool,
    },
    /// One of its alerts was heard.
    Heard,
    /// Somebody took it for a while.
    Snoozed {
        /// Who.
        by: String,
        /// Until when.
        until: Timestamp,
    },
    /// That time was over, and it still fired.
    SnoozeOver,
    /// It still fired, and its channels were told again.
    Repeated,
    /// Nobody had its incident, and nothing of that was heard: page and deadlines stood still.
    IncidentHeld,
    /// They went on.
    IncidentGoesOn,
}

/// A silence or a maintenance that kept a group quiet.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuietBy {
    /// What it is, as people name it: `silence S-3`.
    pub what: String,
    /// Who wanted it.
    pub by: String,
    /// Why, in their words; none: it is long over.
    pub why: Option<String>,
}

impl QuietMoment {
    /// What an event tells of quiet, and of which group or incident; nothing: it is about no group.
    pub(super) fn of(event: &QuietEvent, record: &Record, why: &Comments) -> Option<(About, Self)> {
        let civil = |due: Timestamp| civil(record, due);
        let (about, what) = match event {
            QuietEvent::Added(_) | QuietEvent::Began { .. } | QuietEvent::Ended { .. } => return None,
            QuietEvent::Hushed(hushed) => {
                let by = hushed.by.iter().map(|one| why.tell(one)).collect();
                let (until, untold) = (civil(hushed.until), hushed.untold);
                (About::Group(hushed.group), QuietChange::Quiet { by, until, untold })
            }
            QuietEvent::Woken { group, .. } => (About::Group(*group), QuietChange::Heard),
            QuietEvent::Snoozed(snoozed) => {
                let (by, until) = (snoozed.by.to_string(), civil(snoozed.until));
                (About::Group(snoozed.group), QuietChange::Snoozed { by, until })
            }
            QuietEvent::SnoozeOver { group } => (About::Group(*group), QuietChange::SnoozeOver),
            QuietEvent::Repeated { group } => (About::Group(*group), QuietChange::Repeated),
            QuietEvent::Held { incident, .. } => (About::Incident(*incident), QuietChange::IncidentHeld),
            QuietEvent::GoesOn { incident, .. } => (About::Incident(*incident), QuietChange::IncidentGoesOn),
        };
        Some((about, Self { at: record.at, what }))
    }
}

/// Of what a moment is.
pub(super) enum About {
    Group(GroupId),
    Incident(IncidentId),
}

/// Why silences were wanted, as far as they are remembered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comments(BTreeMap<SilenceId, String>);

impl Comments {
    /// Those of silences that are, or were, about these labels.
    #[must_use]
    pub fn about(state: &State, labels: &Labels) -> Self {
        let all = state.quiet.silences.iter().chain(&state.quiet.ended);
        let about = all.filter(|(_, silence)| silence.matches(labels));
        Self(about.map(|(id, silence)| (*id, silence.comment.as_str().to_owned())).collect())
    }

    /// One of them with its comment.
    pub(super) fn tell(&self, one: &Hushing) -> QuietBy {
        let what = format!("{} {}", one.kind.as_str(), one.silence);
        QuietBy { what, by: one.by.to_string(), why: self.0.get(&one.silence).cloned() }
    }
}

/// What keeps an alert of these labels quiet at an instant.
#[must_use]
pub fn quiet(state: &State, labels: &Labels, now: Now) -> Vec<QuietLine> {
    let lines = state.quieted_by(labels, now.engine).into_iter().map(|silence| QuietLine {
        what: format!("{} {}", silence.kind.as_str(), silence.id),
        by: silence.by.to_string(),
        why: silence.comment.as_str().to_owned(),
        until: Some(now.civil_of(silence.ends)),
    });
    lines.collect()
}
