//! Erasing in place: the words are in no file, the chain is whole, and a crash at any byte changes nothing of that.

use std::collections::BTreeSet;

use super::*;
use crate::{
    domain::{
        delivery::Channel,
        event::{IncidentOpened, Title},
        id::{PersonId, RunId},
        person::Urgency,
        prose::Echo,
        room::{Author, MessageCaptured},
        run::{RunEvent, RunHappened, StepEnd, StepOutcome},
        upkeep::Erased,
    },
    journal::erase::{self, Found, Wanted},
};

fn by(person: &str) -> Actor {
    Actor::Person(person.into())
}

fn note_of(person: &str, text: &str) -> Event {
    let salt = [text.len().to_le_bytes()[0]; 16];
    Event::NoteAdded { incident: IncidentId(7), text: Prose::new(text, salt), by: by(person) }
}

fn captured(author: Author, text: &str) -> Event {
    Event::MessageCaptured(Box::new(MessageCaptured {
        incident: IncidentId(7),
        channel: Channel::Slack,
        message: format!("C1:{}", text.len()),
        author,
        text: Prose::new(text, [9; 16]),
        written_at: Timestamp::UNIX_EPOCH,
        url: None,
        by: by("ben"),
    }))
}

fn changed(message: &str, text: &str) -> Event {
    let (incident, channel) = (IncidentId(7), Channel::Slack);
    let text = Some(Prose::new(text, [8; 16]));
    Event::MessageChanged { incident, channel, message: format!("C1:{}", message.len()), text }
}

/// What ana wrote holds `zebra`, what others wrote holds `camel`.
fn events() -> Vec<Event> {
    let account = || Author::Account("U1".into());
    let opened = IncidentOpened {
        incident: IncidentId(7),
        title: Title::Written(Prose::new("zebra title \"\\ é\n", [1; 16])),
        severity: "P1".into(),
        urgency: Urgency::Urgent,
        group: None,
        channels: Vec::new(),
        expect: crate::domain::event::Expectations::default(),
        by: by("ana"),
    };
    vec![
        Event::IncidentOpened(Box::new(opened)),
        note_of("ben", "camel 1"),
        captured(account(), "zebra, before the account was tied"),
        Event::AccountLinked { channel: Channel::Slack, account: "U1".into(), person: "ana".into() },
        note_of("ana", "zebra 1"),
        captured(account(), "zebra, written by account"),
        changed("zebra, written by account", "zebra, edited"),
        captured(Author::Person("ben".into()), "camel, captured"),
        Event::AccountUnlinked {
            channel: Channel::Slack,
            account: "U1".into(),
            person: "ana".into(),
            by: by("ana"),
        },
        Event::AccountLinked { channel: Channel::Slack, account: "U1".into(), person: "ben".into() },
        captured(account(), "camel, the account is ben's now"),
        note_of("ana", "zebra 2"),
    ]
}

/// What a run that somebody started with words of theirs says: its line and what later steps need of it repeat them.
fn of_run(run: u64, what: RunHappened) -> Event {
    let (run, title) = (RunId(run), "restart".to_owned());
    Event::Run(Box::new(RunEvent { run, group: None, incident: None, title, what }))
}

fn run_of(person: &str, run: u64, word: &str) -> [Event; 2] {
    let plan = serde_json::json!({
        "runbook": "/qflow restart", "digest": "00", "title": "restart", "environment": "live",
        "args": [["part", Prose::new(&format!("{word} part"), [3; 16])]],
        "by": { "person": person }, "because": "hand", "role": "operator", "ask_for": "PT30M",
        "links": [{ "words": "again", "to": { "command": Echo::new(&format!("/qflow restart {word}"), [6; 16]) } }],
        "steps": [{ "index": 1, "name": "restart", "heading": "It answers", "action": "run", "changes": true,
            "retries": 0, "role": "operator", "confirm": Echo::new(&format!("Restart {word}?"), [7; 16]) }],
    });
    let end = StepEnd {
        step: 1,
        heading: "It answers".into(),
        attempt: 1,
        outcome: StepOutcome::Passed,
        took: jiff::SignedDuration::ZERO,
        line: Echo::new(&format!("{word} part restarted"), [4; 16]),
        output: None,
        speaks: false,
        cut: 0,
        result: Some(Echo::new(&format!(r#"{{"reply":"{word} part"}}"#), [5; 16])),
        result_dropped: false,
    };
    let plan = serde_json::from_value(plan).unwrap();
    [of_run(run, RunHappened::Started(plan)), of_run(run, RunHappened::StepFinished(Box::new(end)))]
}

#[test]
fn what_a_run_repeats_of_what_it_was_told_is_erased_with_it() {
    let dir = folder();
    let events = [run_of("ana", 1, "zebra"), run_of("ben", 2, "camel")].concat();
    let records = numbered(1, events.into_iter().map(record).collect());
    write_batches(dir.path(), small(), &[records]);
    let found = erase::find(dir.path(), &of_ana(), Seq(4)).unwrap();
    assert_eq!(
        found.texts(),
        5,
        "what it was told, asks, leads on to and said, and what later steps need of it"
    );
    let erased = noted(&found);
    let pending = erase::begin(dir.path(), Seq(4), erased, found).unwrap();
    erase::overwrite(dir.path(), &pending).unwrap();
    erase::finish(dir.path()).unwrap();
    assert!(!holds(dir.path(), "zebra") && holds(dir.path(), "camel part restarted"));
    let looked = verify(dir.path(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(looked.damage.is_empty() && looked.read.events == 4, "{looked:?}");
}

#[test]
fn what_runs_of_an_earlier_release_said_is_counted_and_stays() {
    let dir = folder();
    let plainly = |mut events: [Event; 2]| {
        let Event::Run(end) = &mut events[1] else { unreachable!() };
        let RunHappened::StepFinished(end) = &mut end.what else { unreachable!() };
        (end.line, end.result) = ("zebra part restarted".into(), None);
        events
    };
    let events =
        [plainly(run_of("ana", 1, "zebra")), run_of("ana", 2, "zebra"), plainly(run_of("ben", 3, "x"))];
    let records = numbered(1, events.concat().into_iter().map(record).collect());
    write_batches(dir.path(), small(), &[records]);
    let found = erase::find(dir.path(), &of_ana(), Seq(6)).unwrap();
    assert_eq!(found.plain, [RunId(1)].into());
    assert_eq!(found.runs, [RunId(1), RunId(2)].into(), "whoever holds words of hers");
    assert_eq!(erase::in_archive(dir.path(), &of_ana()).unwrap(), (3 + 5, 1));
    assert_eq!(erase::in_archive(dir.path(), &of_ana()).unwrap(), (0, 1), "and it is said each time");
    let one = Wanted { seq: Some(Seq(6)), ..Wanted::default() };
    assert_eq!(erase::find(dir.path(), &one, Seq(6)).unwrap().plain, [RunId(3)].into());
}

/// How many of them are ana's.
const HERS: u64 = 6;

fn written() -> tempfile::TempDir {
    let dir = folder();
    let records = numbered(1, events().into_iter().map(record).collect());
    write_batches(dir.path(), small(), &[records[..7].to_vec(), records[7..].to_vec()]);
    assert!(segments(dir.path()).len() > 1);
    dir
}

fn of_ana() -> Wanted {
    Wanted { person: Some(PersonId::from("ana")), ..Wanted::default() }
}

fn noted(found: &Found) -> Erased {
    let (whose, seq, before) = (Some("ana".into()), None, None);
    let (digests, outputs) = (found.digests.clone(), BTreeSet::new());
    Erased { whose, seq, before, texts: found.texts(), digests, outputs, by: Actor::Operator }
}

/// All bytes below a folder.
fn all_bytes(dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        all.extend(if path.is_dir() { all_bytes(&path) } else { fs::read(&path).unwrap() });
    }
    all
}

fn holds(dir: &Path, word: &str) -> bool {
    memchr::memmem::find(&all_bytes(dir), word.as_bytes()).is_some()
}

fn assert_whole(dir: &Path) {
    let found = verify(dir, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(found.damage.is_empty() && found.read.events == 12, "{found:?}");
}

#[test]
fn what_a_person_wrote_is_in_no_file_and_the_chain_is_whole() {
    let dir = written();
    fs::write(dir.path().join("journal/0000000001.99.torn"), {
        let mut tail = serde_json::to_vec(&note_of("ana", "zebra, torn")).unwrap();
        tail.extend_from_slice(br#","x":{"sha":"0","salt":"00112233","text":"zebra, cut in the mid"#);
        tail
    })
    .unwrap();
    let lengths: Vec<_> = segments(dir.path()).iter().map(|file| fs::metadata(file).unwrap().len()).collect();
    let found = erase::find(dir.path(), &of_ana(), Seq(12)).unwrap();
    assert_eq!((found.texts(), found.unread), (HERS, 0));
    let erased = noted(&found);
    let pending = erase::begin(dir.path(), Seq(12), erased, found).unwrap();
    assert!(memchr::memmem::find(&fs::read(dir.path().join("erasing.json")).unwrap(), b"zebra").is_none());
    assert_eq!(erase::overwrite(dir.path(), &pending).unwrap(), 1, "the torn write");
    erase::finish(dir.path()).unwrap();
    assert!(!holds(dir.path(), "zebra"));
    assert!(holds(dir.path(), "camel 1") && holds(dir.path(), "camel, the account is ben's now"));
    assert_whole(dir.path());
    let after: Vec<_> = segments(dir.path()).iter().map(|file| fs::metadata(file).unwrap().len()).collect();
    assert_eq!(after, lengths, "positions stay");
    let (journal, _) = FileJournal::open(dir.path(), small()).unwrap();
    let (records, positions, result) = read_from(&*journal.reader(), 1);
    result.unwrap();
    let Event::NoteAdded { text, .. } = &records[4].event else { panic!("{records:?}") };
    assert_eq!(text.as_str(), "[erased]");
    assert_eq!(journal.reader().read_at(positions[4]).unwrap(), records[4]);
    assert_eq!(erase::find(dir.path(), &of_ana(), Seq(12)).unwrap().texts(), 0, "there is no more of it");
}

#[test]
fn only_what_was_asked_for_is_erased() {
    for (wanted, texts) in [
        (Wanted { seq: Some(Seq(2)), ..Wanted::default() }, 1),
        (Wanted { seq: Some(Seq(4)), ..Wanted::default() }, 0),
        (Wanted { seq: Some(Seq(99)), ..Wanted::default() }, 0),
        (Wanted { before: Some("2026-03-01T12:00:05Z".parse().unwrap()), ..of_ana() }, 2),
        (Wanted { person: Some("nobody".into()), ..Wanted::default() }, 0),
        (Wanted { accounts: ["slack:U1".to_owned()].into(), ..of_ana() }, HERS + 1),
    ] {
        let dir = written();
        assert_eq!(erase::find(dir.path(), &wanted, Seq(12)).unwrap().texts(), texts, "{wanted:?}");
    }
    let dir = written();
    assert_eq!(erase::find(dir.path(), &of_ana(), Seq(6)).unwrap().texts(), 4, "up to what was committed");
}

#[test]
fn a_crash_at_any_word_is_finished_by_the_next_start() {
    // Whatever part of the bytes the crash left, in whichever order the disk wrote them.
    for round in 0..24_usize {
        let dir = written();
        let before: Vec<Vec<u8>> = segments(dir.path()).iter().map(|file| fs::read(file).unwrap()).collect();
        let found = erase::find(dir.path(), &of_ana(), Seq(12)).unwrap();
        let erased = noted(&found);
        let pending = erase::begin(dir.path(), Seq(12), erased, found).unwrap();
        erase::overwrite(dir.path(), &pending).unwrap();
        for (file, old) in segments(dir.path()).iter().zip(&before) {
            let mut bytes = fs::read(file).unwrap();
            let differ: Vec<usize> = (0..old.len()).filter(|at| bytes[*at] != old[*at]).collect();
            for (index, at) in differ.iter().enumerate() {
                if (index * 7 + round) % 24 < round {
                    bytes[*at] = old[*at];
                }
            }
            fs::write(file, bytes).unwrap();
        }
        let (journal, opened) = FileJournal::open(dir.path(), small()).unwrap();
        assert_eq!(opened.erasing, Some(pending), "round {round}");
        assert!(opened.torn.is_empty() && opened.damage.is_empty(), "{opened:?}");
        assert!(read_from(&*journal.reader(), 1).2.is_ok());
        assert!(!holds(dir.path(), "zebra"));
        assert_whole(dir.path());
    }
}

#[test]
fn a_note_that_is_not_what_was_written_erases_nothing() {
    let dir = written();
    let found = erase::find(dir.path(), &of_ana(), Seq(12)).unwrap();
    let erased = noted(&found);
    erase::begin(dir.path(), Seq(12), erased, found).unwrap();
    let path = dir.path().join("erasing.json");
    let note = fs::read_to_string(&path).unwrap();
    fs::write(&path, note.replace("\"text\":7", "\"text\":8")).unwrap();
    let error = FileJournal::open(dir.path(), small()).err().unwrap().to_string();
    assert!(error.contains("erasing.json"), "{error}");
    assert!(holds(dir.path(), "zebra 2"));
    // Places that hold no words are refused even by a note that is whole.
    let body = note.split_once('\n').unwrap().1.replacen("\"salt\":", "\"salt\":1", 1);
    let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&body));
    fs::write(&path, format!("{digest}\n{body}")).unwrap();
    let before = fs::read(&segments(dir.path())[0]).unwrap();
    assert!(FileJournal::open(dir.path(), small()).is_err());
    assert_eq!(fs::read(&segments(dir.path())[0]).unwrap(), before);
}

#[test]
fn whoever_reads_while_words_are_erased_never_takes_them_for_damage() {
    let dir = written();
    let (journal, _) = FileJournal::open(dir.path(), small()).unwrap();
    let found = erase::find(dir.path(), &of_ana(), Seq(12)).unwrap();
    let erased = noted(&found);
    let pending = erase::begin(dir.path(), Seq(12), erased, found).unwrap();
    let (files, over) = (journal.files(), std::sync::atomic::AtomicBool::new(false));
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut rounds = 0;
                    while rounds == 0 || !over.load(std::sync::atomic::Ordering::Relaxed) {
                        read_from(&*files, 1).2.unwrap();
                        rounds += 1;
                    }
                })
            })
            .collect();
        for _ in 0..200 {
            files.erase(dir.path(), &pending).unwrap();
        }
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        for reader in readers {
            reader.join().unwrap();
        }
    });
    assert!(!holds(dir.path(), "zebra"));
}

#[test]
fn what_a_crash_left_in_an_archive_is_finished_first() {
    let dir = written();
    let before: Vec<Vec<u8>> = segments(dir.path()).iter().map(|file| fs::read(file).unwrap()).collect();
    let found = erase::find(dir.path(), &of_ana(), Seq(12)).unwrap();
    let erased = noted(&found);
    let pending = erase::begin(dir.path(), Seq(12), erased, found).unwrap();
    erase::overwrite(dir.path(), &pending).unwrap();
    // Every second byte never reached the disk: such a line is what was written neither before nor after.
    for (file, old) in segments(dir.path()).iter().zip(&before) {
        let mut bytes = fs::read(file).unwrap();
        (0..old.len()).step_by(2).for_each(|at| bytes[at] = old[at]);
        fs::write(file, bytes).unwrap();
    }
    let broken = verify(dir.path(), &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(!broken.damage.is_empty(), "{broken:?}");
    assert_eq!(erase::in_archive(dir.path(), &of_ana()).unwrap(), (0, 0), "all of it was noted");
    assert!(!holds(dir.path(), "zebra") && erase::pending(dir.path()).unwrap().is_none());
    assert_whole(dir.path());
}

#[test]
fn whose_an_account_was_may_stand_in_another_folder() {
    // The archive ends before the account was tied.
    let (archive, live) = (folder(), written());
    let first = numbered(1, events().into_iter().take(3).map(record).collect());
    write_batches(archive.path(), small(), &[first]);
    let mut wanted = of_ana();
    erase::learn_links(live.path(), &mut wanted.links).unwrap();
    assert_eq!(erase::find(archive.path(), &of_ana(), Seq(3)).unwrap().texts(), 1, "the title alone");
    assert_eq!(erase::in_archive(archive.path(), &wanted).unwrap(), (2, 0), "the message as well");
    assert!(!holds(archive.path(), "zebra") && holds(archive.path(), "camel"));
}
