//! Wall-clock times as instants. Never drops or doubles a time: every local time happens exactly once, at the
//! first instant at which the clock on the wall shows it or a later one.
//!
//! So a time that is skipped happens when the clock jumps, one that occurs twice at its first occurrence, and a
//! later local time never happens before an earlier one: what is seamless on the wall is seamless in time.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime, Time},
    tz::{AmbiguousOffset, TimeZone},
};

/// 24 hours: a skipped stretch that is shorter leaves something of every day.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// The first instant at which the wall clock shows `local` or later; nothing outside the years of `Timestamp`.
pub(super) fn instant(zone: &TimeZone, local: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok(),
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the later offset, a skipped time lies before the jump.
            let before_the_jump = after.to_timestamp(local).ok()?;
            zone.following(before_the_jump)
                .find(|jump| jump.offset().to_datetime(jump.timestamp()) >= local)
                .map(|jump| jump.timestamp())
        }
    }
}

/// Whether a date never was on the wall: the zone moved across the date line (Apia, 2011-12-30).
pub(super) fn is_missing(zone: &TimeZone, date: Date) -> bool {
    let skipped = |time: Time| {
        let local = date.to_datetime(time);
        match zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Gap { .. } => instant(zone, local),
            _ => None,
        }
    };
    skipped(Time::midnight()).is_some_and(|jump| skipped(Time::MAX) == Some(jump))
}

/// The dates that were skipped by jumps after `from`, up to and including `until`, each with its jump. Looks at
/// every change of the clock in between: two a year.
pub(super) fn missing_days(
    zone: &TimeZone,
    from: Timestamp,
    until: Timestamp,
) -> impl Iterator<Item = (Timestamp, Date)> {
    let mut before = zone.to_offset(from);
    zone.following(from).take_while(move |jump| jump.timestamp() <= until).filter_map(move |jump| {
        let (old, new) = (before, jump.offset());
        before = new;
        if new.duration_since(old) < DAY {
            return None;
        }
        // No zone is ever more than 26 hours from Greenwich, and a jump of two whole days would need more than
        // any zone has made: the first whole date inside is the only one.
        let last_shown = old.to_datetime(jump.timestamp());
        let date = if last_shown.time() == Time::midnight() {
            last_shown.date()
        } else {
            last_shown.date().tomorrow().ok()?
        };
        is_missing(zone, date).then_some((jump.timestamp(), date))
    })
}
