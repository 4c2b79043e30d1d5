//! The shape of Alertmanager's webhook, read without copying where that is possible. Never holds more alerts
//! than a message may have, and reads objects only where objects belong.

use std::{borrow::Cow, fmt, marker::PhantomData};

use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess},
};

use super::{MOST_ALERTS, Object};
use crate::domain::{alert::AlertStatus, labels::Labels};

/// One message. What is not named here is ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payload<'a> {
    #[serde(default, rename = "version")]
    _version: Option<Version>,
    #[serde(default, borrow)]
    pub(super) group_key: Option<Text<'a>>,
    #[serde(default)]
    pub(super) truncated_alerts: Option<u64>,
    #[serde(default)]
    pub(super) status: Option<Status>,
    #[serde(default, borrow, rename = "externalURL")]
    pub(super) external_url: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) alerts: Option<Alerts<'a>>,
}

/// One alert of a message.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RawAlert<'a> {
    #[serde(default)]
    pub(super) status: Option<Status>,
    #[serde(default)]
    pub(super) labels: Option<Labels>,
    #[serde(default)]
    pub(super) annotations: Option<Labels>,
    #[serde(default)]
    pub(super) starts_at: Option<Instant>,
    #[serde(default)]
    pub(super) ends_at: Option<Instant>,
    #[serde(default, borrow, rename = "generatorURL")]
    pub(super) generator_url: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) fingerprint: Option<Text<'a>>,
}

/// A string, borrowed from the message unless it has escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// The alerts of a message; reading stops at [`MOST_ALERTS`].
pub(super) struct Alerts<'a>(pub(super) Vec<Object<RawAlert<'a>>>);

impl<'de: 'a, 'a> Deserialize<'de> for Alerts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> de::Visitor<'de> for Visitor<'a> {
            type Value = Alerts<'a>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a list of alerts")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Alerts<'a>, A::Error> {
                let mut alerts = Vec::new();
                while let Some(alert) = list.next_element()? {
                    if alerts.len() == MOST_ALERTS {
                        return Err(de::Error::custom(format_args!("more than {MOST_ALERTS} alerts")));
                    }
                    alerts.push(alert);
                }
                Ok(Alerts(alerts))
            }
        }
        deserializer.deserialize_seq(Visitor(PhantomData))
    }
}

/// `"firing"` or `"resolved"`.
pub(super) struct Status(pub(super) AlertStatus);

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        match &*text.0 {
            "firing" => Ok(Self(AlertStatus::Firing)),
            "resolved" => Ok(Self(AlertStatus::Resolved)),
            other => Err(de::Error::invalid_value(de::Unexpected::Str(other), &"\"firing\" or \"resolved\"")),
        }
    }
}

/// An instant; Go's zero time and an empty text are none.
pub(super) struct Instant(pub(super) Option<Timestamp>);

/// `0001-01-01T00:00:00Z` in seconds since 1970.
const GO_ZERO: i64 = -62_135_596_800;

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        if text.0.is_empty() {
            return Ok(Self(None));
        }
        let at: Timestamp = text
            .0
            .parse()
            .map_err(|_| de::Error::invalid_value(de::Unexpected::Str(&text.0), &"an RFC 3339 instant"))?;
        Ok(Self((at.as_second() > GO_ZERO).then_some(at)))
    }
}

/// The version of the format: `"4"`, or 4 as a number.
struct Version;

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Version;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("\"4\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Version, E> {
                if text == "4" {
                    Ok(Version)
                } else {
                    Err(E::invalid_value(de::Unexpected::Str(text), &self))
                }
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Version, E> {
                if number == 4 {
                    Ok(Version)
                } else {
                    Err(E::invalid_value(de::Unexpected::Unsigned(number), &self))
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
