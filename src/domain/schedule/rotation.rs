//! Whose turn it is in one layer. Never walks from the start of the layer: the number of a turn is computed, so
//! that a rotation of ten years answers as fast as one of yesterday.

use std::cell::OnceCell;

use jiff::{
    SignedDuration, Timestamp,
    civil::{DateTime, Time},
    tz::TimeZone,
};

use super::{
    Layer,
    handoff::Slots,
    local::{instant, is_missing, missing_days},
};

/// No clock was ever set back by more.
const LONGEST_FOLD: SignedDuration = SignedDuration::from_hours(52);

/// One turn of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    /// Counted in hand-offs, from 0.
    pub(super) number: i64,
    /// Its hand-off.
    pub(super) since: Timestamp,
    /// The next hand-off; nothing at the end of the calendar.
    pub(super) until: Option<Timestamp>,
}

/// The hand-offs of one layer as instants.
#[derive(Debug, Clone)]
pub(super) struct Rotation<'a> {
    zone: &'a TimeZone,
    slots: Slots,
    midnight: Timestamp,
    first: Timestamp,
    /// No turn after this instant is asked for.
    horizon: Timestamp,
    /// How many slots up to the horizon fell on days that do not exist, by the jumps that skipped them.
    skipped: OnceCell<Vec<(Timestamp, i64)>>,
}

impl<'a> Rotation<'a> {
    /// For turns up to `horizon`, inclusive. Nothing when the layer has no hand-off within the calendar.
    pub(super) fn new(zone: &'a TimeZone, layer: &Layer, horizon: Timestamp) -> Option<Self> {
        let slots = Slots::new(&layer.handoff, layer.start)?;
        let midnight = instant(zone, layer.start.to_datetime(Time::midnight()))?;
        let first = instant(zone, on_a_day(zone, &slots, 0)?)?;
        Some(Self { zone, slots, midnight, first, horizon, skipped: OnceCell::new() })
    }

    /// The first hand-off: before it, the layer has nobody.
    pub(super) fn first(&self) -> Timestamp {
        self.first
    }

    /// The turn at an instant; nothing before the first hand-off.
    pub(super) fn turn_at(&self, at: Timestamp) -> Option<Turn> {
        if at < self.first {
            return None;
        }
        let next = self.first_after(at);
        let until = on_a_day(self.zone, &self.slots, next).and_then(|local| instant(self.zone, local));
        let mut slot = next.checked_sub(1)?;
        let mut local = self.slots.local(slot)?;
        if is_missing(self.zone, local.date()) {
            slot = self.slots.first_from(midnight(local)).checked_sub(1)?;
            local = self.slots.local(slot)?;
        }
        let since = instant(self.zone, local)?;
        Some(Turn { number: next.checked_sub(1)?.checked_sub(self.skipped(at))?, since, until })
    }

    /// The number of the first slot that happens after an instant.
    fn first_after(&self, at: Timestamp) -> i64 {
        let is_after = |slot| {
            let happens = self.slots.local(slot).and_then(|local| instant(self.zone, local));
            happens.is_none_or(|happens| happens > at)
        };
        // What the clock has passed has happened. What it has not passed has happened too when the clock was
        // set back since: then the slot lies between here and the furthest that the clock can have been.
        let local = self.zone.to_datetime(at);
        let mut low = self.slots.first_from(local);
        if is_after(low) {
            return low;
        }
        low += 1;
        let mut high = self.slots.first_from(local.saturating_add(LONGEST_FOLD)).max(low);
        while low < high {
            let middle = low + (high - low) / 2;
            if is_after(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }

    /// How many slots up to an instant fell on days that do not exist: these are nobody's turn.
    fn skipped(&self, at: Timestamp) -> i64 {
        let all = self.skipped.get_or_init(|| {
            // The start itself may be such a day: its jump is at its midnight.
            let before = self.midnight.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(self.midnight);
            missing_days(self.zone, before, self.horizon)
                .filter_map(|(jump, date)| {
                    let first = date.to_datetime(Time::midnight());
                    let next = date.tomorrow().ok()?.to_datetime(Time::midnight());
                    Some((jump, self.slots.first_from(next) - self.slots.first_from(first)))
                })
                .collect()
        });
        all.iter().filter(|(jump, _)| *jump <= at).map(|(_, slots)| slots).sum()
    }
}

/// The local time of a slot, or of the next one when it falls on a day that does not exist.
fn on_a_day(zone: &TimeZone, slots: &Slots, slot: i64) -> Option<DateTime> {
    let local = slots.local(slot)?;
    if !is_missing(zone, local.date()) {
        return Some(local);
    }
    slots.local(slots.first_from(midnight(local.tomorrow().ok()?)))
}

/// 00:00 of the same date.
fn midnight(local: DateTime) -> DateTime {
    local.date().to_datetime(Time::midnight())
}
