//! What the state forgets is what a replay of the overwritten journal never learns.

use jiff::Timestamp;

use super::*;
use crate::domain::{
    event::{Event, IncidentOpened, Title, TraceId},
    id::{IncidentId, SilenceId},
    person::Urgency,
    quiet::{QuietEvent, SilenceAdded, SilenceKind},
    state::Stamp,
};

const SECRET: &str = "the \"password\" is hunter2";

fn opened(title: Prose) -> Event {
    Event::IncidentOpened(Box::new(IncidentOpened {
        incident: IncidentId(1),
        title: Title::Written(title),
        severity: "P1".into(),
        urgency: Urgency::Urgent,
        group: None,
        channels: Vec::new(),
        expect: crate::domain::event::Expectations::default(),
        by: Actor::Person("ana".into()),
    }))
}

fn state_after(events: &[Event]) -> State {
    let mut state = State::default();
    for (seq, event) in (1..).zip(events) {
        let at = Timestamp::UNIX_EPOCH;
        state.apply(event, &Stamp { seq: Seq(seq), at, clock: at, trace: TraceId(1) });
    }
    state
}

#[test]
fn a_state_that_forgot_is_the_one_that_never_knew() {
    let title = Prose::new(SECRET, [5; 16]);
    let digest = title.sha().to_owned();
    let erased = |digests: BTreeSet<String>| {
        let by = Actor::Operator;
        let outputs = BTreeSet::new();
        let erased = Erased { whose: None, seq: Some(Seq(1)), before: None, texts: 1, digests, outputs, by };
        Event::Upkeep(Box::new(UpkeepEvent::Erased(erased)))
    };
    let knew = state_after(&[opened(title.clone())]);
    assert_eq!(knew.holds_words(&[digest.clone(), "f".repeat(64)].into()), [digest.clone()].into());

    let forgot = state_after(&[opened(title.clone()), erased([digest.clone()].into())]);
    // As it is read from the overwritten line.
    let mut line = serde_json::to_value(&title).unwrap();
    line["salt"] = "0".repeat(32).into();
    line["text"] = " ".repeat(SECRET.len() + 2).into();
    let blank: Prose = serde_json::from_value(line).unwrap();
    let never = state_after(&[opened(blank), erased([digest].into())]);
    assert_eq!(forgot, never);
    assert_eq!(forgot.incidents[&IncidentId(1)].title.as_str(), prose::ERASED);
    assert!(!format!("{:?}", serde_json::to_string(&*forgot.incidents[&IncidentId(1)])).contains("hunter2"));
    assert_eq!(
        knew.incidents[&IncidentId(1)].title.as_str(),
        SECRET,
        "a shared copy keeps what it was given"
    );
}

#[test]
fn why_something_was_silenced_is_forgotten_too() {
    let comment = Prose::new(SECRET, [6; 16]);
    let digest = comment.sha().to_owned();
    let (silence, kind) = (SilenceId(3), SilenceKind::Silence);
    let added = QuietEvent::Added(SilenceAdded {
        silence,
        kind,
        matchers: vec!["service=\"qflow\"".into()],
        by: Actor::Person("ana".into()),
        comment: Title::Written(comment),
        planned: None,
        channels: Vec::new(),
        starts: Timestamp::UNIX_EPOCH,
        ends: Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(1),
    });
    let ended = QuietEvent::Ended { silence, by: None };
    let added = Event::Quiet(Box::new(added));
    for events in [vec![added.clone()], vec![added, Event::Quiet(Box::new(ended))]] {
        let mut state = state_after(&events);
        assert_eq!(state.holds_words(&[digest.clone()].into()), [digest.clone()].into());
        let (digests, by, outputs) = ([digest.clone()].into(), Actor::Operator, BTreeSet::new());
        state.forget_words(&Erased { whose: None, seq: None, before: None, texts: 1, digests, outputs, by });
        let mut all = state.quiet.silences.values().chain(state.quiet.ended.values());
        assert_eq!(all.next().unwrap().comment.as_str(), prose::ERASED);
    }
}

#[test]
fn words_of_others_stay() {
    let title = Prose::new("rolled back", [5; 16]);
    let mut state = state_after(&[opened(title.clone())]);
    let before = state.clone();
    let by = Actor::Operator;
    let (digests, outputs) = (["0".repeat(64)].into(), [(RunId(9), 1)].into());
    state.forget_words(&Erased { whose: None, seq: None, before: None, texts: 1, digests, outputs, by });
    assert_eq!(state, before);
}
