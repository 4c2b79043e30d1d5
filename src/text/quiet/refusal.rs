//! What is said when nothing becomes quiet, or nothing ends: why, and what to write instead.

use jiff::tz::TimeZone;

use crate::{
    domain::quiet::{LONGEST_MATCHER, MOST_MATCHERS, MOST_SILENCES, QuietRefusal, SilenceKind},
    text::{
        card::Card,
        plain::{WORDS, plain},
        refusal::no,
        scene::capital,
        when,
    },
};

const EXAMPLE: &str = "Nothing was changed. Example: /silence add service=qflow severity=~\"warning|info\" --for 2h --comment why";

/// Why it was refused.
#[must_use]
pub fn card(refusal: &QuietRefusal, zone: &TimeZone) -> Card {
    match refusal {
        QuietRefusal::Matcher { number, why } => {
            no(format!("Condition {number} cannot be read: {}.", plain(why, WORDS)), EXAMPLE)
        }
        QuietRefusal::TooLarge => no(
            format!(
                "That is too much: at most {MOST_MATCHERS} conditions, each of at most {LONGEST_MATCHER} bytes."
            ),
            EXAMPLE,
        ),
        QuietRefusal::Everything => no(
            "That would silence every alert that there is, also those of tomorrow.".to_owned(),
            "Nothing was changed. Name at least one label with the value that it must have, such as service=qflow or \
             severity=~\"warning|info\".",
        ),
        QuietRefusal::EndsFirst => no("It would end before it begins.".to_owned(), EXAMPLE),
        QuietRefusal::Over => no("It would be over already.".to_owned(), EXAMPLE),
        QuietRefusal::BeginsInThePast => no(
            "It would begin in the past, and what was told is told.".to_owned(),
            "Nothing was changed. Leave --from out to begin now.",
        ),
        QuietRefusal::TooLong => no(
            "It would last, or wait, longer than 30 days.".to_owned(),
            "Nothing was changed. What must stay quiet for longer belongs into the rules of its source; a planned \
             maintenance that comes again belongs into [[maintenance]] of the configuration.",
        ),
        QuietRefusal::TooMany => no(
            format!("There are {MOST_SILENCES} silences and maintenances already."),
            "Nothing was changed. Expire some of them first: /silence list",
        ),
        QuietRefusal::Unknown(kind, id) => {
            no(format!("There is no {} {id}, or it is long over.", kind.as_str()), &list(*kind))
        }
        QuietRefusal::Ended { silence, kind, at, by } => {
            let by = by.as_ref().map(|by| format!(", ended by {}", plain(&by.to_string(), 60)));
            let (kind, since) = (capital(kind.as_str()), when::at(*at, zone));
            no(
                format!("{kind} {silence} is over since {since}{}.", by.unwrap_or_default()),
                "Nothing was changed; nothing is quiet by it any more.",
            )
        }
        QuietRefusal::OtherKind { silence, is } => no(
            format!("{silence} is a {}.", is.as_str()),
            &match is {
                SilenceKind::Silence => format!("Nothing was changed. To end it: /silence expire {silence}"),
                SilenceKind::Maintenance => {
                    format!("Nothing was changed. To end it: /maintenance end {silence}")
                }
            },
        ),
        QuietRefusal::SnoozeLength => no(
            "A snooze lasts from a minute to seven days.".to_owned(),
            "Nothing was changed. Example: /alert snooze G-17 for 30m",
        ),
        QuietRefusal::NotResolvable(target) => no(
            format!("{target} is neither an alert nor a group."),
            "Nothing was changed. An incident is resolved by /incident resolve.",
        ),
    }
}

fn list(kind: SilenceKind) -> String {
    let list = match kind {
        SilenceKind::Silence => "/silence list",
        SilenceKind::Maintenance => "/maintenance list",
    };
    format!("Nothing was changed. Those that there are: {list}")
}
