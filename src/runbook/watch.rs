//! A step that is looked at again and again until its time is over. Never longer than a few hours.

use std::time::Duration;

use tokio::time::Instant;

use super::{scope::Scope, settings::Follow};
use crate::domain::{duration, run::ATTEMPTS};

/// Nobody watches longer than this.
const LONGEST_WATCH: Duration = Duration::from_hours(4);

/// A step that is looked at again and again.
pub(super) struct Watch {
    until: Instant,
    every: Duration,
}

impl Watch {
    /// None: one look is all.
    pub fn new(follow: &Follow, scope: &Scope) -> Option<Self> {
        let length = duration::parse(&follow.length.render(scope).ok()?).ok()?;
        let length = Duration::try_from(length).ok().filter(|length| !length.is_zero())?.min(LONGEST_WATCH);
        let own = follow.every.and_then(|every| Duration::try_from(every).ok());
        let most = length / (ATTEMPTS - 1);
        let every = own.unwrap_or((length / 60).clamp(Duration::from_secs(5), Duration::from_mins(1)));
        Some(Self { until: Instant::now() + length, every: every.max(most).max(Duration::from_secs(1)) })
    }

    /// How long until the next look; none: there is none.
    pub fn pause(&self) -> Option<Duration> {
        let left = self.until.checked_duration_since(Instant::now())?;
        (!left.is_zero()).then(|| left.min(self.every))
    }
}
