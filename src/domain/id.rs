//! Names and numbers of things: every id has its own type, so that a group is never taken for a page.
//! Never holds anything but the id itself.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::delivery::Channel;

/// An id that people chose in the configuration (`ana`, `primary`, `P1`).
macro_rules! name {
    ($($(#[$doc:meta])* $Type:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $Type(Arc<str>);

        impl $Type {
            /// The name as it was written.
            #[must_use]
            pub fn new(name: impl Into<Arc<str>>) -> Self {
                Self(name.into())
            }
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $Type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(&self.0)
            }
        }
        impl fmt::Debug for $Type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "{:?}", &*self.0)
            }
        }
        impl From<&str> for $Type {
            fn from(name: &str) -> Self {
                Self(name.into())
            }
        }
        impl From<String> for $Type {
            fn from(name: String) -> Self {
                Self(name.into())
            }
        }
        impl std::borrow::Borrow<str> for $Type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

name! {
    /// A person who can be paged: the key of `[person.ana]`.
    PersonId;
    /// A team: the key of `[team.ops]`.
    TeamId;
    /// A schedule: the key of `[schedule.primary]`.
    ScheduleId;
    /// An escalation policy: the key of `[policy.qflow]`.
    PolicyId;
    /// A source of alerts: the key of `[integration.prometheus]`.
    IntegrationId;
    /// A severity: the key of `[severity.P1]`.
    SeverityId;
    /// A route: its `name`, or one derived from what it matches, so that reordering changes nothing.
    RouteId;
    /// A chat channel as configured: `#qflow-alerts`, `slack:#ops`.
    ChannelName;
    /// One way to reach a person: the key inside `contacts`, or `chat`.
    ContactName;
    /// The dedupe key of an alert: integration and fingerprint (`prometheus/a1b2…`).
    AlertKey;
    /// Something that one run at a time may hold: the `lock` of a step.
    LockName;
    /// A picture that is kept beside the journal: hex SHA-256 of its bytes.
    PictureId;
    /// The key under which a route groups alerts: route and the values of its `group_by` labels.
    GroupKey;
}

/// An id that Watchbell counted up (`G-17`); it is written with its prefix everywhere.
impl ChannelName {
    /// The platform that the name says (`slack:#ops`); none: every connected one.
    #[must_use]
    pub fn platform(&self) -> Option<Channel> {
        let (platform, _) = self.as_str().split_once(':')?;
        Channel::PLATFORMS.into_iter().find(|channel| channel.as_str() == platform)
    }
    /// The name on its platform (`#ops`).
    #[must_use]
    pub fn bare(&self) -> &str {
        self.as_str().split_once(':').map_or(self.as_str(), |(_, name)| name)
    }
}

macro_rules! number {
    ($($(#[$doc:meta])* $Type:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $Type(pub u64);

        impl $Type {
            /// What stands before the number.
            pub const PREFIX: &'static str = $prefix;
            /// The id that follows this one.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }
        impl fmt::Display for $Type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, concat!($prefix, "-{}"), self.0)
            }
        }
        impl fmt::Debug for $Type {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, out)
            }
        }
        impl FromStr for $Type {
            type Err = NotAnId;
            /// Reads `G-17`, in any case; the prefix may be left out.
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let wrong = || NotAnId { text: text.to_owned(), example: concat!($prefix, "-42") };
                let digits = match text.split_once('-') {
                    Some((prefix, digits)) if prefix.eq_ignore_ascii_case($prefix) => digits,
                    Some(_) => return Err(wrong()),
                    None => text,
                };
                if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(wrong());
                }
                digits.parse().map(Self).map_err(|_| wrong())
            }
        }
        impl Serialize for $Type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $Type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

/// A text that should have been an id such as `G-17`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id like {example}")]
pub struct NotAnId {
    /// What was written.
    pub text: String,
    /// How such an id looks.
    pub example: &'static str,
}

number! {
    /// An alert, from its first firing to its end.
    AlertId = "A";
    /// An alert group: what gets acknowledged and paged for.
    GroupId = "G";
    /// An incident.
    IncidentId = "INC";
    /// One run of an escalation policy.
    PageId = "PG";
    /// One message to one address over one channel.
    DeliveryId = "D";
    /// A run of a runbook.
    RunId = "R";
    /// A replacement of who is on call for a while.
    OverrideId = "OV";
    /// A message that somebody has posted into a channel.
    AnnouncementId = "AN";
    /// A deployment that a source told.
    DeploymentId = "DEP";
    /// A storm: more groups in one channel than anybody can read.
    StormId = "ST";
    /// A silence or a maintenance.
    SilenceId = "S";
    /// Something that is to be done for an incident.
    TaskId = "T";
}

/// The position of an event in the journal; the first is 1.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// The sequence that follows.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}
impl fmt::Display for Seq {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_with_and_without_its_prefix_and_nothing_else() {
        for (text, expected) in [
            ("G-17", Some(17)),
            ("g-17", Some(17)),
            ("17", Some(17)),
            ("INC-17", None),
            ("G-", None),
            ("", None),
            ("G--1", None),
            ("G-99999999999999999999", None),
            ("+4", None),
        ] {
            assert_eq!(text.parse::<GroupId>().ok().map(|id| id.0), expected, "{text}");
        }
    }
}
