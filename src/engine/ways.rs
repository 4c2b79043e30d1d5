//! How the ways out stand that everybody shares: chat platforms, the mail server, PagerDuty. Since when one is not heard or
//! takes nothing, and why. Never decides anything; a restart begins anew.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::domain::delivery::{Channel, Outcome};

/// What is wrong with one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Which.
    pub channel: Channel,
    /// What.
    pub what: Disturbed,
    /// How long ago it began.
    pub since: Duration,
    /// Why, in words, without a secret or an address.
    pub why: String,
}

/// In which way one is disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbed {
    /// A platform is not connected: nothing that people do there is heard.
    Unheard,
    /// It takes no message.
    TakesNothing {
        /// Attempts in a row that had no good answer.
        attempts: u32,
        /// How long ago the last one was.
        last: Duration,
    },
}

#[derive(Debug)]
struct Failing {
    since: Instant,
    last: Instant,
    attempts: u32,
    why: String,
}

#[derive(Debug, Default)]
struct Known {
    /// Since when a platform is away, and why.
    away: BTreeMap<Channel, (Instant, String)>,
    failing: BTreeMap<Channel, Failing>,
}

/// How they stand. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Ways(Arc<Mutex<Known>>);

impl Ways {
    fn change(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// A platform is connected, or is not and why. Away is away: a new reason does not begin anew.
    pub fn heard(&self, channel: Channel, away: Option<String>) {
        self.change(|known| match away {
            None => drop(known.away.remove(&channel)),
            Some(why) => known.away.entry(channel).or_insert_with(|| (Instant::now(), String::new())).1 = why,
        });
    }

    /// What became of an attempt. Whoever refuses one message or asks for a pause answers.
    pub fn tried(&self, channel: Channel, outcome: &Outcome) {
        let shared =
            matches!(channel, Channel::Slack | Channel::Discord | Channel::Mail | Channel::PagerDuty);
        if !shared {
            // Everybody's own address: what does not arrive there is seen by its delivery.
            return;
        }
        self.change(|known| match outcome {
            Outcome::TryAgain { after: None, why } => {
                let now = Instant::now();
                let first = || Failing { since: now, last: now, attempts: 0, why: String::new() };
                let failing = known.failing.entry(channel).or_insert_with(first);
                failing.last = now;
                failing.attempts = failing.attempts.saturating_add(1);
                failing.why.clone_from(why);
            }
            _ => drop(known.failing.remove(&channel)),
        });
    }

    /// Another configuration may lead elsewhere: what was tried before says nothing of it.
    pub fn begin_anew(&self) {
        self.change(|known| known.failing.clear());
    }

    /// What is wrong now, by channel.
    #[must_use]
    pub fn troubles(&self) -> Vec<Trouble> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let away = known.away.iter().map(|(channel, (since, why))| Trouble {
            channel: *channel,
            what: Disturbed::Unheard,
            since: since.elapsed(),
            why: why.clone(),
        });
        let failing = known.failing.iter().map(|(channel, one)| Trouble {
            channel: *channel,
            what: Disturbed::TakesNothing { attempts: one.attempts, last: one.last.elapsed() },
            since: one.since.elapsed(),
            why: one.why.clone(),
        });
        away.chain(failing).collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn fails(after: Option<SignedDuration>) -> Outcome {
        Outcome::TryAgain { after, why: "connection refused".into() }
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_nothing_is_known_since_its_first_failure_until_something_is_answered() {
        let ways = Ways::default();
        ways.tried(Channel::Mail, &fails(None));
        tokio::time::advance(Duration::from_mins(2)).await;
        ways.tried(Channel::Mail, &fails(None));
        tokio::time::advance(Duration::from_mins(1)).await;
        let mail = Trouble {
            channel: Channel::Mail,
            what: Disturbed::TakesNothing { attempts: 2, last: Duration::from_mins(1) },
            since: Duration::from_mins(3),
            why: "connection refused".into(),
        };
        assert_eq!(ways.troubles(), [mail]);
        let refused = Outcome::Refused { why: "no such mailbox".into() };
        for answer in [Outcome::Receipt("taken".into()), refused, fails(Some(SignedDuration::from_secs(9)))] {
            ways.tried(Channel::Mail, &fails(None));
            ways.tried(Channel::Mail, &answer);
            assert_eq!(ways.troubles(), [], "{answer:?}");
        }
        // One dead telephone is no way that is disturbed.
        for own in [Channel::Hook, Channel::Ntfy, Channel::Chat, Channel::Phone] {
            ways.tried(own, &fails(None));
        }
        ways.tried(Channel::Mail, &fails(None));
        ways.begin_anew();
        assert_eq!(ways.troubles(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_platform_is_away_since_the_first_word_of_it() {
        let ways = Ways::default();
        ways.heard(Channel::Slack, Some("no network".into()));
        tokio::time::advance(Duration::from_mins(5)).await;
        ways.heard(Channel::Slack, Some("the token was revoked".into()));
        ways.begin_anew();
        let [slack] = &ways.troubles()[..] else { panic!("{:?}", ways.troubles()) };
        assert_eq!((slack.since, slack.what), (Duration::from_mins(5), Disturbed::Unheard));
        assert_eq!(slack.why, "the token was revoked");
        ways.heard(Channel::Slack, None);
        assert_eq!(ways.troubles(), []);
    }
}
