//! Named cases: zones and days at which rotations of other programs went wrong, layers, hours and overrides.
//! Never computes what it expects: every instant here was worked out by hand from the zone's rules.

use jiff::{
    Timestamp,
    civil::Date,
    tz::{TimeZone, TimeZoneDatabase},
};

use super::*;

/// A zone of the database that comes with the program.
fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).expect(name)
}

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn layer(people: &str, start: &str, handoff: &str, only: &[&str]) -> Layer {
    Layer {
        people: people.split(' ').map(PersonId::from).collect(),
        start: start.parse::<Date>().expect(start),
        handoff: Handoff::parse(handoff).expect(handoff),
        only: only.iter().map(|text| Restriction::parse(text).expect(text)).collect(),
    }
}

fn schedule(name: &str, layers: Vec<Layer>) -> Schedule {
    Schedule { id: "primary".into(), team: None, zone: zone(name), layers }
}

fn standing_in(id: u64, person: &str, from: &str, until: &str) -> Override {
    Override {
        id: OverrideId(id),
        schedule: "primary".into(),
        person: person.into(),
        from: at(from),
        until: at(until),
    }
}

/// The shifts of a stretch as `since person` lines, with the reason where it is not the first layer.
fn lines(schedule: &Schedule, from: &str, until: &str, overrides: &[Override]) -> Vec<String> {
    let line = |shift: &Shift| {
        let person = shift.person.as_ref().map_or("nobody", PersonId::as_str);
        let because = match shift.because {
            Because::Layer(1) | Because::Gap => String::new(),
            Because::Layer(number) => format!(" (layer {number})"),
            Because::Override(id) => format!(" ({id})"),
        };
        format!("{} {person}{because}", shift.since)
    };
    schedule.shifts(at(from), at(until), overrides).iter().map(line).collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table: one case after the other")]
fn rotations_across_the_odd_days_of_the_calendar() {
    // Zone, hand-off, start; the hand-offs that are expected, to ana, ben, chi and ana again.
    let cases: &[(&str, &str, &str, &str, &[&str])] = &[
        (
            "a hand-off that is skipped happens when the clock jumps",
            "Europe/Madrid",
            "daily 02:30",
            "2026-03-28",
            &["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
        ),
        (
            "a hand-off that occurs twice happens the first time",
            "Europe/Madrid",
            "daily 02:30",
            "2026-10-24",
            &["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        ),
        (
            "a week with a short day",
            "Europe/Madrid",
            "weekly Mon 09:00",
            "2026-03-23",
            &["2026-03-23T08:00:00Z", "2026-03-30T07:00:00Z", "2026-04-06T07:00:00Z"],
        ),
        (
            "a start in the middle of the week waits for the first hand-off",
            "Europe/Madrid",
            "weekly Mon 09:00",
            "2026-01-06",
            &["2026-01-12T08:00:00Z", "2026-01-19T08:00:00Z"],
        ),
        (
            "twelve hours are hours on the wall, in spring",
            "Europe/Madrid",
            "every 12h",
            "2026-03-28",
            &[
                "2026-03-27T23:00:00Z",
                "2026-03-28T11:00:00Z",
                "2026-03-28T23:00:00Z",
                "2026-03-29T10:00:00Z",
                "2026-03-29T22:00:00Z",
            ],
        ),
        (
            "twelve hours are hours on the wall, in autumn",
            "Europe/Madrid",
            "every 12h",
            "2026-10-25",
            &["2026-10-24T22:00:00Z", "2026-10-25T11:00:00Z", "2026-10-25T23:00:00Z"],
        ),
        (
            "a month without a 31st hands over on its last day",
            "Europe/Madrid",
            "monthly 31 09:00",
            "2026-01-31",
            &["2026-01-31T08:00:00Z", "2026-02-28T08:00:00Z", "2026-03-31T07:00:00Z", "2026-04-30T07:00:00Z"],
        ),
        (
            "and so it does when it is the first month",
            "Europe/Madrid",
            "monthly 31 09:00",
            "2028-02-29",
            &["2028-02-29T08:00:00Z", "2028-03-31T07:00:00Z"],
        ),
        (
            "a monthly day that is over waits for the next month",
            "Europe/Madrid",
            "monthly 15 00:00",
            "2026-12-16",
            &["2027-01-14T23:00:00Z", "2027-02-14T23:00:00Z"],
        ),
        (
            "half an hour of summer time, forward",
            "Australia/Lord_Howe",
            "daily 02:15",
            "2026-10-03",
            &["2026-10-02T15:45:00Z", "2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"],
        ),
        (
            "half an hour of summer time, back",
            "Australia/Lord_Howe",
            "daily 01:45",
            "2026-04-04",
            &["2026-04-03T14:45:00Z", "2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"],
        ),
        (
            "Ramadan sets the clock back",
            "Africa/Casablanca",
            "daily 02:30",
            "2026-02-14",
            &["2026-02-14T01:30:00Z", "2026-02-15T01:30:00Z", "2026-02-16T02:30:00Z"],
        ),
        (
            "the end of Ramadan sets it forward",
            "Africa/Casablanca",
            "daily 02:30",
            "2026-03-21",
            &["2026-03-21T02:30:00Z", "2026-03-22T02:00:00Z", "2026-03-23T01:30:00Z"],
        ),
        (
            "the clock jumps to midnight: Saturday's hand-off happens then",
            "America/Scoresbysund",
            "daily 23:30",
            "2025-03-29",
            &["2025-03-30T01:00:00Z", "2025-03-31T00:30:00Z"],
        ),
        (
            "but it remains Saturday's, and a start on Sunday waits for Sunday's",
            "America/Scoresbysund",
            "daily 23:30",
            "2025-03-30",
            &["2025-03-31T00:30:00Z", "2025-04-01T00:30:00Z"],
        ),
        (
            "Apia, daily: no turn for the day that was not",
            "Pacific/Apia",
            "daily 09:00",
            "2011-12-28",
            &["2011-12-28T19:00:00Z", "2011-12-29T19:00:00Z", "2011-12-30T19:00:00Z"],
        ),
        (
            "Apia, weekly on that day: the next week's hand-off is the next",
            "Pacific/Apia",
            "weekly Fri 09:00",
            "2011-12-19",
            &["2011-12-23T19:00:00Z", "2012-01-05T19:00:00Z", "2012-01-12T19:00:00Z"],
        ),
        (
            "Apia, weekly on another day: a turn of six days and nights",
            "Pacific/Apia",
            "weekly Mon 09:00",
            "2011-12-26",
            &["2011-12-26T19:00:00Z", "2012-01-01T19:00:00Z"],
        ),
        (
            "Apia, monthly on that day: the next month's hand-off is the next",
            "Pacific/Apia",
            "monthly 30 09:00",
            "2011-11-01",
            &["2011-11-30T19:00:00Z", "2012-01-29T19:00:00Z"],
        ),
        (
            "Apia, every 12h: both turns of that day are nobody's",
            "Pacific/Apia",
            "every 12h",
            "2011-12-29",
            &["2011-12-29T10:00:00Z", "2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"],
        ),
        (
            "Apia, a start on that day is a start on the next",
            "Pacific/Apia",
            "daily 09:00",
            "2011-12-30",
            &["2011-12-30T19:00:00Z", "2011-12-31T19:00:00Z"],
        ),
        (
            "Kwajalein lost a day too",
            "Pacific/Kwajalein",
            "daily 00:00",
            "1993-08-20",
            &["1993-08-20T12:00:00Z", "1993-08-21T12:00:00Z", "1993-08-22T12:00:00Z"],
        ),
        (
            "Kiritimati lost the last day of a year",
            "Pacific/Kiritimati",
            "monthly 31 12:00",
            "1994-11-01",
            &["1994-11-30T22:00:00Z", "1995-01-30T22:00:00Z"],
        ),
    ];
    for (name, zone, handoff, start, expected) in cases {
        let schedule = schedule(zone, vec![layer("ana ben chi", start, handoff, &[])]);
        let first = at(expected.first().expect("a case"));
        let last = at(expected.last().expect("a case"));
        let just_before = first.checked_sub(SignedDuration::from_nanos(1)).expect("in range");
        let just_after = last.checked_add(SignedDuration::from_nanos(1)).expect("in range");
        assert_eq!(schedule.on_call(just_before, &[]), None, "{name}");
        let turns: Vec<_> = expected.iter().zip(["ana", "ben", "chi"].iter().cycle()).collect();
        let expected: Vec<_> = turns.iter().map(|(since, person)| format!("{since} {person}")).collect();
        assert_eq!(lines(&schedule, &first.to_string(), &just_after.to_string(), &[]), expected, "{name}");
    }
}

#[test]
fn turns_within_a_skipped_stretch_are_counted_and_last_no_time() {
    // Troll's clock jumps two hours, from 01:00 to 03:00.
    let schedule = schedule("Antarctica/Troll", vec![layer("a b c d e", "2026-03-29", "every 1h", &[])]);
    assert_eq!(
        lines(&schedule, "2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z", &[]),
        ["2026-03-29T00:00:00Z a", "2026-03-29T01:00:00Z d", "2026-03-29T02:00:00Z e"]
    );
}

#[test]
fn an_hour_that_occurs_twice_is_one_turn() {
    let schedule = schedule("Europe/Madrid", vec![layer("a b c d e", "2026-10-25", "every 1h", &[])]);
    assert_eq!(
        lines(&schedule, "2026-10-24T22:00:00Z", "2026-10-25T03:00:00Z", &[]),
        [
            "2026-10-24T22:00:00Z a",
            "2026-10-24T23:00:00Z b",
            "2026-10-25T00:00:00Z c",
            "2026-10-25T02:00:00Z d"
        ]
    );
}

#[test]
fn a_rotation_of_many_years_still_counts_every_hand_off() {
    for (start, handoff, instant, person) in [
        // 520 weeks and 2 days after Monday, 2016-01-04; 520 = 3 * 173 + 1.
        ("2016-01-04", "weekly Mon 09:00", "2025-12-24T12:00:00Z", "ben"),
        // 3650 days after; 3650 = 3 * 1216 + 2.
        ("2016-01-04", "daily 09:00", "2026-01-01T12:00:00Z", "chi"),
        // 120 months after; 120 = 3 * 40.
        ("2016-01-04", "monthly 4 09:00", "2026-01-04T08:00:00Z", "ana"),
        // 7300 half days after.
        ("2016-01-04", "every 12h", "2026-01-01T00:00:00Z", "ben"),
        // A thousand years, 365242 days; 365242 = 3 * 121747 + 1.
        ("2016-01-01", "daily 09:00", "3016-01-01T12:00:00Z", "ben"),
    ] {
        let schedule = schedule("Europe/Madrid", vec![layer("ana ben chi", start, handoff, &[])]);
        let person = PersonId::from(person);
        assert_eq!(schedule.on_call(at(instant), &[]), Some(&person), "{handoff} {instant}");
    }
}

#[test]
fn a_layer_counts_within_its_hours() {
    // Hours; the stretches they cover in the week of 2026-03-23 to 2026-03-30 (summer time begins on Sunday).
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "office hours",
            &["Mon-Tue 09:00-17:00"],
            &[
                "2026-03-22T23:00:00Z nobody",
                "2026-03-23T08:00:00Z ana",
                "2026-03-23T16:00:00Z nobody",
                "2026-03-24T08:00:00Z ana",
                "2026-03-24T16:00:00Z nobody",
            ],
        ),
        (
            "a night that is an hour short",
            &["Sat 22:00-06:00"],
            &["2026-03-22T23:00:00Z nobody", "2026-03-28T21:00:00Z ana", "2026-03-29T04:00:00Z nobody"],
        ),
        (
            "edges in the skipped hour are at its jump",
            &["Sun 02:15-04:00", "Sun 01:30-02:45"],
            &["2026-03-22T23:00:00Z nobody", "2026-03-29T00:30:00Z ana", "2026-03-29T02:00:00Z nobody"],
        ),
        (
            "hours that are skipped as a whole are none",
            &["Sun 02:00-03:00"],
            &["2026-03-22T23:00:00Z nobody"],
        ),
        (
            "a weekend that wraps the week",
            &["Sat-Mon 00:00-24:00"],
            &["2026-03-22T23:00:00Z ana", "2026-03-23T23:00:00Z nobody", "2026-03-27T23:00:00Z ana"],
        ),
        (
            "two restrictions that touch are one",
            &["Wed 09:00-12:00", "Wed 12:00-15:00"],
            &["2026-03-22T23:00:00Z nobody", "2026-03-25T08:00:00Z ana", "2026-03-25T14:00:00Z nobody"],
        ),
        ("the same end as begin is a whole day", &["Mon-Sun 09:00-09:00"], &["2026-03-22T23:00:00Z ana"]),
    ];
    for (name, only, expected) in cases {
        let schedule = schedule("Europe/Madrid", vec![layer("ana", "2026-01-05", "weekly Mon 09:00", only)]);
        let found = lines(&schedule, "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z", &[]);
        assert_eq!(found, *expected, "{name}");
    }
}

#[test]
fn day_and_night_together_leave_no_gap_on_any_day() {
    for (name, from, until) in [
        ("Pacific/Apia", "2011-12-27T00:00:00Z", "2012-01-03T00:00:00Z"),
        ("Europe/Madrid", "2026-10-22T00:00:00Z", "2026-10-28T00:00:00Z"),
        ("America/Scoresbysund", "2025-10-24T00:00:00Z", "2025-10-29T00:00:00Z"),
    ] {
        let day = layer("ana", "2011-01-01", "daily 00:00", &["Mon-Sun 02:30-23:15"]);
        let night = layer("ben", "2011-01-01", "daily 00:00", &["Mon-Sun 23:15-02:30"]);
        let shifts = schedule(name, vec![day, night]).shifts(at(from), at(until), &[]);
        assert!(shifts.iter().all(|shift| shift.person.is_some()), "{name}: {shifts:#?}");
    }
}

#[test]
fn a_later_layer_stands_above_and_an_override_above_all() {
    let schedule = schedule(
        "Europe/Madrid",
        vec![
            layer("ana ben", "2026-01-05", "weekly Mon 09:00", &[]),
            layer("chi", "2026-01-05", "daily 00:00", &["Tue 12:00-14:00"]),
        ],
    );
    let overrides = [
        standing_in(2, "eva", "2026-01-13T12:00:00Z", "2026-01-14T12:00:00Z"),
        standing_in(1, "dan", "2026-01-13T09:00:00Z", "2026-01-13T18:00:00Z"),
        Override {
            schedule: "secondary".into(),
            ..standing_in(3, "flo", "2026-01-12T00:00:00Z", "2026-01-20T00:00:00Z")
        },
        standing_in(4, "gus", "2026-01-14T00:00:00Z", "2026-01-14T00:00:00Z"),
    ];
    assert_eq!(
        lines(&schedule, "2026-01-05T00:00:00Z", "2026-01-19T10:00:00Z", &overrides),
        [
            "2026-01-05T00:00:00Z nobody",
            "2026-01-05T08:00:00Z ana",
            "2026-01-06T11:00:00Z chi (layer 2)",
            "2026-01-06T13:00:00Z ana",
            "2026-01-12T08:00:00Z ben",
            "2026-01-13T09:00:00Z dan (OV-1)",
            "2026-01-13T12:00:00Z eva (OV-2)",
            "2026-01-14T12:00:00Z ben",
            "2026-01-19T08:00:00Z ana",
        ]
    );
    let people: Vec<_> = schedule.people().map(PersonId::as_str).collect();
    assert_eq!(people, ["ana", "ben", "chi"]);
}

#[test]
fn a_shift_knows_its_edges_and_looks_no_further_than_a_year() {
    let weekly = schedule("Europe/Madrid", vec![layer("ana ben", "2026-01-05", "weekly Mon 09:00", &[])]);
    let shift = weekly.shift_at(at("2026-01-15T00:00:00Z"), &[]);
    assert_eq!(shift.person, Some("ben".into()));
    assert_eq!(shift.because, Because::Layer(1));
    assert_eq!((shift.since, shift.until), (at("2026-01-12T08:00:00Z"), at("2026-01-19T08:00:00Z")));

    let gap = weekly.shift_at(at("2026-01-01T00:00:00Z"), &[]);
    assert_eq!((gap.person, gap.because), (None, Because::Gap));
    assert_eq!((gap.since, gap.until), (at("2024-12-31T00:00:00Z"), at("2026-01-05T08:00:00Z")));

    let alone = schedule("Europe/Madrid", vec![layer("ana", "2026-01-05", "daily 09:00", &[])]);
    let shift = alone.shift_at(at("2026-01-15T00:00:00Z"), &[]);
    assert_eq!((shift.since, shift.until), (at("2026-01-05T08:00:00Z"), at("2027-01-16T00:00:00Z")));
}

#[test]
fn a_sunday_that_has_begun_goes_on_when_the_clock_returns_to_saturday() {
    // In 2010 St. John's set its clocks back at 00:01, to 23:01 of the day before.
    for layer in [
        layer("ana ben", "2010-11-06", "daily 00:00", &[]),
        layer("ben", "2010-10-01", "weekly Mon 09:00", &["Sun 00:00-24:00"]),
    ] {
        let schedule = schedule("America/St_Johns", vec![layer]);
        let shift = schedule.shift_at(at("2010-11-07T03:00:00Z"), &[]);
        assert_eq!(shift.person, Some("ben".into()), "{schedule:?}");
        let edges = (at("2010-11-07T02:30:00Z"), at("2010-11-08T03:30:00Z"));
        assert_eq!((shift.since, shift.until), edges, "{schedule:?}");
    }
}

#[test]
fn a_person_who_follows_herself_has_one_shift() {
    let schedule = schedule("UTC", vec![layer("ana ana ben", "2026-01-01", "daily 00:00", &[])]);
    let shift = schedule.shift_at(at("2026-01-05T12:00:00Z"), &[]);
    assert_eq!((shift.since, shift.until), (at("2026-01-04T00:00:00Z"), at("2026-01-06T00:00:00Z")));
}

#[test]
fn the_ends_of_the_calendar_break_nothing() {
    for handoff in ["daily 09:00", "weekly Mon 09:00", "monthly 31 09:00", "every 12h", "every 3650d"] {
        for start in ["-009999-01-01", "-009999-01-03", "0000-02-29", "9999-12-29", "9999-12-31"] {
            for name in ["UTC", "Pacific/Apia", "Europe/Madrid"] {
                let layers = vec![
                    layer("ana", start, handoff, &[]),
                    layer("ben chi", start, handoff, &["Sun 22:00-06:00"]),
                ];
                let schedule = schedule(name, layers);
                for instant in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
                    let shift = schedule.shift_at(instant, &[]);
                    assert!(shift.since <= instant && instant <= shift.until, "{handoff} {start} {shift:?}");
                }
            }
        }
    }
}

#[test]
fn a_layer_without_people_or_with_turns_of_no_length_covers_nothing_or_little() {
    let mut nobody = layer("ana", "2026-01-01", "daily 00:00", &[]);
    nobody.people.clear();
    assert_eq!(schedule("UTC", vec![nobody]).on_call(at("2026-01-05T12:00:00Z"), &[]), None);
    for length in [SignedDuration::MIN, SignedDuration::ZERO, SignedDuration::from_nanos(1)] {
        let mut hasty = layer("ana ben", "2026-01-01", "daily 00:00", &[]);
        hasty.handoff = Handoff::Every(length);
        let hasty = schedule("UTC", vec![hasty]);
        assert_eq!(hasty.on_call(at("2026-01-05T12:01:30Z"), &[]), Some(&"ben".into()), "{length:?}");
    }
}
