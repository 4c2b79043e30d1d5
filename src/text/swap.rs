//! Swaps and gaps in words: who takes over what, and when nobody is on call. Gaps are never hidden.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::{
    card::{Card, Tone},
    control,
    plain::{NAME, plain},
    refusal::no,
    scene::{button, enumerate, field},
    span::span,
    usage::zone_name,
    when,
};
use crate::domain::{
    id::{OverrideId, ScheduleId},
    oncall::{Lack, LackOf, with_gaps},
    swap::{Exchange, Handed, SwapRefusal, Swapped},
};

/// How many lines of gaps one card shows.
const MOST: usize = 50;

fn stretch(from: Timestamp, until: Timestamp, zone: &TimeZone) -> String {
    format!("{} until {}", when::in_table(from, zone), when::in_table(until, zone))
}

fn name(what: impl std::fmt::Display) -> String {
    plain(&what.to_string(), NAME)
}

/// What both are told: the first line is the headline. In the zone of the schedule, because it is one text for both.
#[must_use]
pub fn told(exchange: &Exchange, by: &str, zone: &TimeZone) -> String {
    let line = |one: &Handed| {
        format!(
            "{} is on call {}, instead of {}.",
            name(&one.to),
            stretch(one.from, one.until, zone),
            name(&one.from_whom)
        )
    };
    format!(
        "{} swapped shifts of {}: {} and {}.\n{}\n{}\nTimes are in {}. To take it back: /oncall override list",
        plain(by, NAME),
        name(&exchange.schedule),
        name(&exchange.mine.from_whom),
        name(&exchange.theirs.from_whom),
        line(&exchange.mine),
        line(&exchange.theirs),
        zone_name(zone)
    )
}

/// What whoever asked hears.
#[must_use]
pub fn done(swapped: &Swapped, zone: &TimeZone) -> Card {
    let Swapped { first, second, .. } = swapped;
    let one = |one: &crate::domain::schedule::Override| {
        field(&name(&one.person), format!("{} ({})", stretch(one.from, one.until, zone), one.id))
    };
    Card {
        title: format!(
            "{} and {} have swapped shifts of {}.",
            name(&second.person),
            name(&first.person),
            name(&first.schedule)
        ),
        tone: Tone::Good,
        text: format!(
            "Both are told. Times are in {}. Taking one of them back takes back both.",
            zone_name(zone)
        ),
        fields: vec![one(first), one(second)],
        buttons: vec![
            button("Take back", format!("/oncall override remove {}", first.id)),
            button("Schedule", format!("/oncall schedule {}", first.schedule)),
        ],
        ..Card::default()
    }
}

/// What is added when half a swap is taken back.
#[must_use]
pub fn other_half(id: OverrideId) -> String {
    format!("It was half of a swap: {id} is taken back, too.")
}

/// On a timeline.
#[must_use]
pub fn entry(swapped: &Swapped, times: when::Times<'_>) -> String {
    let Swapped { first, second, .. } = swapped;
    format!(
        "{} and {} swapped shifts of {}: {} is on call from {} until {} ({}), {} from {} until {} ({})",
        name(&second.person),
        name(&first.person),
        name(&first.schedule),
        name(&first.person),
        times.say(first.from),
        times.say(first.until),
        first.id,
        name(&second.person),
        times.say(second.from),
        times.say(second.until),
        second.id
    )
}

/// Why shifts are not swapped.
#[must_use]
pub fn refused(why: &SwapRefusal, zone: &TimeZone) -> Card {
    let example = "Nothing was changed. Example: /oncall swap primary ben --mine \"2026-12-07 12:00\"";
    let title = match why {
        SwapRefusal::Oneself => "Nobody swaps a shift with themselves.".to_owned(),
        SwapRefusal::NoShift { person, schedule } => {
            format!("{} has no shift of {} that begins within a year.", name(person), name(schedule))
        }
        SwapRefusal::NotTheirs { person, at, is } => format!(
            "{} is not on call on {}: {} is.",
            name(person),
            when::at(*at, zone),
            is.as_ref().map_or_else(|| "nobody".to_owned(), name)
        ),
        SwapRefusal::Past { at } => {
            format!("The shift of {} is over: the past stays as it was.", when::at(*at, zone))
        }
        SwapRefusal::Endless { person } => {
            format!("The shift of {} has no end within a year, so it cannot change hands.", name(person))
        }
        SwapRefusal::Changed => "Who is on call has changed meanwhile.".to_owned(),
    };
    no(title, example)
}

/// Nobody swaps who is no person.
#[must_use]
pub fn nobody_asks() -> Card {
    no(
        "A swap is between you and somebody else, and you are no person of the configuration.".to_owned(),
        "Nothing was changed. Use: watchbell run --as PERSON '/oncall swap …'",
    )
}

/// What is wrong with who is on call in the coming days.
#[must_use]
pub fn gaps(lacks: &[Lack], only: Option<&ScheduleId>, days: u64, zone: &TimeZone) -> Card {
    let of = only.map_or_else(|| "any schedule".to_owned(), name);
    if lacks.is_empty() {
        return Card {
            title: format!("No gap in {of} within {days} days."),
            tone: Tone::Good,
            text: "Somebody who can be reached is on call all the time, and nobody twice at once.".to_owned(),
            ..Card::default()
        };
    }
    let head = ["schedule", "from", "until", "how long", "what"].map(str::to_owned).to_vec();
    let rows = lacks.iter().take(MOST).map(|lack| {
        vec![
            name(&lack.schedule),
            when::in_table(lack.from, zone),
            when::in_table(lack.until, zone),
            span(lack.until.duration_since(lack.from)),
            what(lack),
        ]
    });
    let gaps = with_gaps(lacks);
    let text = if gaps.is_empty() {
        "There is no gap.".to_owned()
    } else {
        format!(
            "Nobody is on call in gaps of {}. To cover one: /oncall override SCHEDULE PERSON FROM UNTIL",
            enumerate(gaps)
        )
    };
    let more = lacks.len().saturating_sub(MOST);
    let text = if more == 0 {
        text
    } else {
        format!("{text}\n{more} more lines are not shown: name a schedule, or fewer days.")
    };
    Card {
        title: format!("On call within {days} days, times in {}", zone_name(zone)),
        tone: Tone::Warning,
        text,
        table: std::iter::once(head).chain(rows).collect(),
        whole: control::terminal("/oncall gaps"),
        ..Card::default()
    }
}

fn what(lack: &Lack) -> String {
    match &lack.what {
        LackOf::Nobody => "NOBODY is on call".to_owned(),
        LackOf::Unreachable { person } => format!("{} has no contact for pages", name(person)),
        LackOf::Twice { person, other } => format!("{} is on call for {} too", name(person), name(other)),
    }
}

/// What `watchbell check` warns of: one line for each schedule with gaps.
#[must_use]
pub fn warnings(lacks: &[Lack], within: SignedDuration) -> Vec<String> {
    let gaps = |id: &ScheduleId| {
        lacks.iter().filter(|lack| lack.schedule == *id && lack.what == LackOf::Nobody).collect::<Vec<_>>()
    };
    let line = |id: &ScheduleId| {
        let gaps = gaps(id);
        let total: SignedDuration = gaps.iter().map(|gap| gap.until.duration_since(gap.from)).sum();
        let first = gaps
            .first()
            .map_or_else(String::new, |gap| format!(", first from {:.0} until {:.0}", gap.from, gap.until));
        format!(
            "warning: schedule {} has nobody on call for {} of the coming {} (gaps: {}{first}); see /oncall gaps",
            name(id),
            span(total),
            span(within),
            gaps.len()
        )
    };
    with_gaps(lacks).into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::lines;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn gaps_are_said_aloud() {
        let (from, until) = (at("2026-12-05T08:00:00Z"), at("2026-12-07T08:00:00Z"));
        let lack = |what| Lack { schedule: "primary".into(), from, until, what };
        let lacks = [
            lack(LackOf::Nobody),
            lack(LackOf::Unreachable { person: "eve".into() }),
            lack(LackOf::Twice { person: "ana".into(), other: "secondary".into() }),
        ];
        let zone = TimeZone::get("Europe/Madrid").unwrap();
        insta::assert_snapshot!(lines::card(&gaps(&lacks, None, 30, &zone)), @r"
        On call within 30 days, times in Europe/Madrid
        Nobody is on call in gaps of primary. To cover one: /oncall override SCHEDULE PERSON FROM UNTIL

        schedule  from                  until                 how long  what
        primary   Sat 2026-12-05 09:00  Mon 2026-12-07 09:00  2d        NOBODY is on call
        primary   Sat 2026-12-05 09:00  Mon 2026-12-07 09:00  2d        eve has no contact for pages
        primary   Sat 2026-12-05 09:00  Mon 2026-12-07 09:00  2d        ana is on call for secondary too
        ");
        insta::assert_snapshot!(warnings(&lacks, SignedDuration::from_hours(24 * 30)).join("\n"), @"warning: schedule primary has nobody on call for 2d of the coming 30d (gaps: 1, first from 2026-12-05T08:00:00Z until 2026-12-07T08:00:00Z); see /oncall gaps");
        assert!(
            lines::card(&gaps(&[], Some(&"primary".into()), 7, &zone))
                .starts_with("No gap in primary within 7 days.")
        );
    }
}
