//! What happens to the journal itself, for the tests of texts.

use super::start;
use crate::domain::{
    event::{Actor, Event},
    id::{AlertId, RunId, Seq},
    page::Target,
    state::State,
    upkeep::{Archived, Damaged, Erased, UpkeepEvent},
};
use crate::text::{card::Card, upkeep};

/// What is done to the journal itself.
pub(super) fn events() -> Vec<Event> {
    let by = Actor::Person("ben".into());
    let erased = Erased {
        whose: Some("ana".into()),
        seq: None,
        before: None,
        texts: 3,
        digests: ["d".repeat(64)].into(),
        outputs: [(RunId(1), 2)].into(),
        by: by.clone(),
    };
    let one = Erased { whose: None, seq: Some(Seq(7)), before: Some(start()), texts: 1, ..erased.clone() };
    let archived = Archived { through: Seq(70_000), segments: 2, to: "/srv/archive".into(), by };
    let file = "0000000001.jsonl".to_owned();
    let why = "its hash does not match".into();
    let damaged = Damaged { file, line: 8, seq: Seq(7), why, unread: false };
    let (file, why) = ("0000000001.jsonl".to_owned(), "it cannot be opened: Input/output error".into());
    let unread = Damaged { file, line: 1, seq: Seq(1), why, unread: true };
    let why = "could not list it: Input/output error".into();
    let folder = Damaged { file: "journal".to_owned(), line: 0, seq: Seq(0), why, unread: true };
    let events = [
        UpkeepEvent::Erased(erased),
        UpkeepEvent::Erased(one),
        UpkeepEvent::Archived(archived),
        UpkeepEvent::Damaged(damaged),
        UpkeepEvent::Damaged(unread),
        UpkeepEvent::Damaged(folder),
        UpkeepEvent::Whole,
        UpkeepEvent::Refused { what: "/watchbell reload".into(), by: Actor::Person("Evil\u{202E}".into()) },
        UpkeepEvent::RefusedMore { by: Actor::Person("ben".into()), count: 312 },
    ];
    events.into_iter().map(|event| Event::Upkeep(Box::new(event))).collect()
}

/// Every card about them.
pub(crate) fn cards() -> Vec<(&'static str, Card)> {
    let by = Actor::Person("ben".into());
    let erased = |texts| Erased {
        whose: Some("ana".into()),
        seq: None,
        before: None,
        texts,
        digests: [].into(),
        outputs: [].into(),
        by: Actor::Operator,
    };
    let erasure = |texts, dry| {
        let archives = vec!["/srv/archive".to_owned()];
        let live = if dry { (7..20).map(RunId).collect() } else { [].into() };
        let done =
            upkeep::Erasure { erased: erased(texts), dry, torn: 1, unread: 2, plain: texts, live, archives };
        upkeep::erasure(&done, &jiff::tz::TimeZone::UTC)
    };
    let archived = Archived { through: Seq(70_000), segments: 2, to: "/srv/archive".into(), by };
    let after =
        State { archives: vec!["/srv/archive".into(), "/srv/\u{1b}[2Jnewer".into()], ..State::default() };
    vec![
        ("upkeep::erasure", erasure(3, false)),
        ("upkeep::erasure", erasure(3, true)),
        ("upkeep::erasure", erasure(0, false)),
        ("upkeep::archived", upkeep::archived(&archived)),
        ("upkeep::begins_in_an_archive", upkeep::begins_in_an_archive(&after, Target::Alert(AlertId(5)))),
        ("upkeep::nothing_to_archive", upkeep::nothing_to_archive()),
        ("upkeep::not_done", upkeep::not_done("could not write: the disk is full")),
        ("upkeep::not_done", upkeep::not_done(&upkeep::still_live(&[RunId(7)].into()))),
        ("upkeep::no_disk", upkeep::no_disk()),
        ("upkeep::erase_what", upkeep::erase_what()),
        ("upkeep::archive_what", upkeep::archive_what()),
    ]
}
