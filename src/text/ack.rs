//! What a link that acknowledges says: what it is about, what happened, who is spared. Never escaped for HTML here.

use jiff::{Timestamp, tz::TimeZone};

use super::when;
use crate::domain::{
    event::Actor,
    facts::Standing,
    id::{IncidentId, SeverityId},
    page::Target,
};

/// What a link is about, as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// What the link points at.
    pub target: Target,
    /// What people call it.
    pub title: String,
    /// How bad.
    pub severity: Option<SeverityId>,
    /// The incident that it is or belongs to.
    pub incident: Option<IncidentId>,
    /// Since when (civil time).
    pub since: Option<Timestamp>,
    /// Where it stands: open, too, when somebody is being paged for what somebody has.
    pub standing: Standing,
    /// Who has it, and since when (civil time).
    pub holder: Option<(Actor, Timestamp)>,
    /// What the link was about when it left.
    pub asked: Option<Target>,
}

/// What a page or an answer says, part by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// One line.
    pub title: String,
    /// One paragraph.
    pub text: String,
    /// Names and values.
    pub fields: Vec<(&'static str, String)>,
}

/// A link that this server never wrote, or that was cut or changed on its way.
pub const FORGED: &str =
    "This link is not one of ours or was cut off: nothing was changed. Use the newest message, or /ack.";

/// A link that was good once.
pub const EXPIRED: &str = "This link is too old: nothing was changed. Use the newest message, or /ack.";

/// The button.
pub const BUTTON: &str = "Acknowledge";

/// Before anything was done: what it is, and what the button does. `name`: in whose name.
#[must_use]
pub fn question(about: &About, name: &str, zone: &TimeZone) -> Words {
    let target = about.target;
    let stands = match &about.holder {
        None => format!("Nobody has taken {target} yet."),
        Some((by, at)) => {
            let (by, at) = (by_name(by), when::at(*at, zone));
            format!("{by} has {target} since {at}, and somebody is paged for it again.")
        }
    };
    let takes = format!("The button takes it in the name of {name}, and nobody else is paged for it.");
    Words { title: about.title.clone(), text: format!("{stands} {takes}"), fields: fields(about, zone) }
}

/// It was done. `spared`: names of those who would have been paged next.
#[must_use]
pub fn done(about: &About, name: &str, spared: &[String], zone: &TimeZone) -> Words {
    let relief = match spared {
        [] => "Nobody else is paged for it.".to_owned(),
        [one] => format!("{one} is not paged."),
        [most @ .., last] => format!("{} and {last} are not paged.", most.join(", ")),
    };
    Words {
        title: format!("You have {}", about.target),
        text: format!("{name} took it. {relief}"),
        fields: fields(about, zone),
    }
}

/// Nothing had to be done.
#[must_use]
pub fn nothing_to_do(about: &About, zone: &TimeZone) -> Words {
    let (title, text) = match &about.standing {
        Standing::Acknowledged(by, at) => (
            format!("{} is taken", about.target),
            format!("{} has it since {}. There is nothing to do.", by_name(by), when::at(*at, zone)),
        ),
        Standing::Resolved(at) => (
            format!("{} is over", about.target),
            format!("It is over since {}. There is nothing to do.", when::at(*at, zone)),
        ),
        Standing::Open => (format!("{} is open", about.target), "Nothing was changed.".to_owned()),
    };
    Words { title, text, fields: fields(about, zone) }
}

/// The link is good, but what it was about is no longer known.
#[must_use]
pub fn forgotten(target: Target) -> Words {
    Words {
        title: format!("{target} is over"),
        text: "It ended long ago. Nothing was changed, and there is nothing to do.".into(),
        fields: Vec::new(),
    }
}

/// The link names somebody who is no longer in the configuration.
#[must_use]
pub fn stranger() -> Words {
    Words {
        title: "This link is nobody's any more".into(),
        text: "The person it was made for is no longer in the configuration. Nothing was changed. Use /ack instead.".into(),
        fields: Vec::new(),
    }
}

/// Who did something, in words.
fn by_name(by: &Actor) -> String {
    match by {
        Actor::Operator => "the operator".to_owned(),
        by => by.to_string(),
    }
}

fn fields(about: &About, zone: &TimeZone) -> Vec<(&'static str, String)> {
    let mut fields = vec![("What", format!("{} · {}", about.target, about.title))];
    let before = about.asked.filter(|asked| *asked != about.target);
    fields.extend(before.map(|before| ("Merged", format!("{before} goes on as {}", about.target))));
    fields.extend(about.severity.as_ref().map(|severity| ("Severity", severity.to_string())));
    let other = about.incident.filter(|incident| Target::Incident(*incident) != about.target);
    fields.extend(other.map(|incident| ("Incident", incident.to_string())));
    fields.extend(about.since.map(|since| ("Since", when::at(since, zone))));
    fields
}
