//! The views against a plain model, and against everything that can happen to their folder.

use std::{
    collections::BTreeMap,
    fs,
    ops::ControlFlow,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::*;
use crate::{
    domain::{
        delivery::{DeliveryKind, Recipient},
        event::{Actor, AlertFired, FORMAT, ResolvedBy, TraceId},
        id::{AlertId, DeliveryId, GroupId, IncidentId, PageId},
        incident::Incident,
        labels::Labels,
        page::Subject,
        prose::Prose,
        timeline::{keys, of_incident},
    },
    journal::{FileJournal, Journal, MemoryJournal, Options, Position},
};

const LONG: Duration = Duration::from_mins(1);

/// A number that looks random and is the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

fn fired(alert: u64, groups: &[u64]) -> Event {
    Event::AlertFired(Box::new(AlertFired {
        alert: AlertId(alert),
        key: format!("prometheus/{alert}").into(),
        integration: "prometheus".into(),
        source_group: None,
        labels: [("alertname", "Slow")].into_iter().collect(),
        annotations: Labels::default(),
        starts_at: Timestamp::UNIX_EPOCH,
        graph: None,
        source: None,
        severity: None,
        groups: groups.iter().copied().map(GroupId).collect(),
    }))
}

fn resolved(alert: u64, groups: &[u64]) -> Event {
    Event::AlertResolved {
        alert: AlertId(alert),
        name: "Slow".to_owned(),
        groups: groups.iter().copied().map(GroupId).collect(),
        ends_at: Timestamp::UNIX_EPOCH,
        by: ResolvedBy::Source("prometheus".into()),
    }
}

/// What happens on a bad day: alerts in 40 groups, incidents that take them up, deliveries.
fn day(count: u64, salt: u64) -> Vec<Record> {
    let mut dice = Dice(0x2545_F491_4F6C_DD1D ^ salt);
    let (mut alerts, mut firing) = (0, Vec::new());
    let events = (1..=count).map(|seq| {
        let group = dice.below(40) + 1;
        let subject = Subject::Group(GroupId(group), Some(IncidentId(group % 5)));
        match dice.below(10) {
            0..4 => {
                alerts += 1;
                let groups = if alerts % 9 == 0 { vec![group, group + 1, group + 40] } else { vec![group] };
                firing.push((alerts, groups.clone()));
                fired(alerts, &groups)
            }
            4..6 if !firing.is_empty() => {
                let index = usize::try_from(dice.below(u64::try_from(firing.len()).unwrap())).unwrap();
                let (alert, groups) = firing.swap_remove(index);
                resolved(alert, &groups)
            }
            6 => Event::GroupAcknowledged { group: GroupId(group), by: Actor::Person("ana".into()) },
            7 => {
                let text = Prose::new(&format!("note at {seq}"), [7; 16]);
                Event::NoteAdded { incident: IncidentId(group % 5), text, by: Actor::Operator }
            }
            8 => Event::Delivered {
                delivery: DeliveryId(seq),
                subject: if group == 1 { Subject::Request(PageId(3)) } else { subject },
                to: Recipient::Person { person: "ana".into(), contact: "push".into() },
                kind: if group.is_multiple_of(2) { DeliveryKind::Page } else { DeliveryKind::Card },
                attempt: 1,
                receipt: "200 OK".to_owned(),
                message: None,
            },
            _ => Event::AttemptStarted { delivery: DeliveryId(seq), attempt: 1 },
        }
    });
    let record = |(index, event)| {
        let seq = u64::try_from(index).unwrap() + 1;
        let at = Timestamp::UNIX_EPOCH + SignedDuration::from_millis(i64::try_from(seq).unwrap());
        Record { seq: Seq(seq), at, clock: None, v: FORMAT, trace: TraceId(seq ^ salt), last: true, event }
    };
    events.enumerate().map(record).collect()
}

fn journal_of(records: &[Record]) -> MemoryJournal {
    let mut journal = MemoryJournal::default();
    journal.append(records).unwrap();
    journal
}

/// What the views must answer, by key.
fn model(records: &[Record]) -> BTreeMap<Key, Vec<Record>> {
    let mut model: BTreeMap<Key, Vec<Record>> = BTreeMap::new();
    for record in records {
        for key in keys(&record.event) {
            model.entry(key).or_default().push(record.clone());
        }
    }
    model
}

async fn assert_complete(views: &Views, records: &[Record]) {
    let last = records.last().map_or(Seq(0), |record| record.seq);
    views.wait_for(last, LONG).await.unwrap();
    let model = model(records);
    for (key, expected) in &model {
        let found = views.records(&[*key], None, usize::MAX).await.unwrap();
        assert_eq!(&found, expected, "{key:?}");
    }
    let ended = views.ended_alerts(None, usize::MAX).await.unwrap();
    let expected = model.get(&Key::Ended).into_iter().flatten().rev();
    assert!(ended.iter().map(|ended| &ended.resolved).eq(expected));
}

/// Starts views that report why they rebuilt.
fn start(dir: &Path, reader: Arc<dyn Reader>) -> (Views, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let views = Views::start(dir.join("views"), reader, {
        let told = told.clone();
        move |progress| {
            if let Progress::Started { why, .. } = progress {
                told.lock().unwrap().push(why);
            }
        }
    });
    (views, told)
}

async fn stop(views: Views) {
    tokio::task::spawn_blocking(move || views.stop()).await.unwrap();
}

fn broken_folders(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.contains("broken")).collect();
    names.sort();
    names
}

#[tokio::test]
async fn any_keys_merge_by_sequence_each_record_once() {
    let (dir, records) = (TempDir::new().unwrap(), day(3000, 0));
    let mut journal = MemoryJournal::default();
    let (views, _) = start(dir.path(), journal.reader());
    // In many batches, so that blocks of all sizes come to be.
    let mut dice = Dice(5);
    let mut rest = &records[..];
    while !rest.is_empty() {
        let (batch, tail) = rest.split_at(usize::try_from(dice.below(200) + 1).unwrap().min(rest.len()));
        journal.append(batch).unwrap();
        views.wait_for(batch.last().unwrap().seq, LONG).await.unwrap();
        rest = tail;
    }
    assert_complete(&views, &records).await;
    let model = model(&records);
    let all: Vec<Key> = model.keys().copied().collect();
    for _ in 0..200 {
        let count = dice.below(6) + 1;
        let some =
            |dice: &mut Dice| all[usize::try_from(dice.below(u64::try_from(all.len()).unwrap())).unwrap()];
        let keys: Vec<Key> = (0..count).map(|_| some(&mut dice)).collect();
        let after = Seq(dice.below(3200));
        let limit = usize::try_from(dice.below(60)).unwrap();
        let mut expected: Vec<&Record> = keys.iter().flat_map(|key| &model[key]).collect();
        expected.sort_by_key(|record| record.seq);
        expected.dedup_by_key(|record| record.seq);
        let newest = &expected[expected.len().saturating_sub(limit)..];
        let found = views.latest(&keys, limit).await.unwrap();
        assert!(found.iter().eq(newest.iter().copied()), "the newest {limit} of {keys:?}");
        let oldest = expected.iter().copied().filter(|record| record.seq > after).take(limit);
        let found = views.records(&keys, Some(after), limit).await.unwrap();
        assert!(found.iter().eq(oldest), "{limit} of {keys:?} after {after}");
    }
    stop(views).await;
}

#[tokio::test]
async fn ended_alerts_are_walked_from_the_last_one_with_a_cursor() {
    let (dir, records) = (TempDir::new().unwrap(), day(1000, 0));
    let (views, _) = start(dir.path(), journal_of(&records).reader());
    views.wait_for(Seq(1000), LONG).await.unwrap();
    let expected: Vec<Seq> = model(&records)[&Key::Ended].iter().rev().map(|record| record.seq).collect();
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = views.ended_alerts(before, 17).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        for ended in &page {
            let (Event::AlertFired(fired), Event::AlertResolved { alert, .. }) =
                (&ended.fired.event, &ended.resolved.event)
            else {
                panic!("{ended:?}")
            };
            assert_eq!(fired.alert, *alert);
            found.push(ended.seq);
        }
    }
    assert_eq!(found, expected);
    stop(views).await;
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was_and_a_deleted_folder_is_made_anew() {
    let (dir, records) = (TempDir::new().unwrap(), day(2000, 0));
    let options = Options { segment_bytes: 100_000, reserve_bytes: 0, ahead_bytes: 0 };
    let (mut journal, _) = FileJournal::open(dir.path(), options).unwrap();
    journal.append(&records[..1500]).unwrap();
    let (views, told) = start(dir.path(), journal.reader());
    assert_complete(&views, &records[..1500]).await;
    assert_eq!(*told.lock().unwrap(), ["nothing of them is there"]);
    stop(views).await;

    journal.append(&records[1500..]).unwrap();
    let (views, told) = start(dir.path(), journal.reader());
    assert_complete(&views, &records).await;
    let incident = [Key::Incident(IncidentId(2)), Key::Group(GroupId(2)), Key::Group(GroupId(7))];
    let before = views.records(&incident, None, usize::MAX).await.unwrap();
    assert!(told.lock().unwrap().is_empty(), "nothing to rebuild");
    stop(views).await;

    fs::remove_dir_all(dir.path().join("views")).unwrap();
    let (views, told) = start(dir.path(), journal.reader());
    assert_complete(&views, &records).await;
    assert_eq!(views.records(&incident, None, usize::MAX).await.unwrap(), before, "the same timeline");
    assert_eq!(*told.lock().unwrap(), ["nothing of them is there"]);
    assert_eq!(views.status(), Status::Ready { applied: Seq(2000), behind: 0 });
    stop(views).await;
    assert!(broken_folders(dir.path()).is_empty());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Deletes, cuts, flips or overwrites something in the folder; says what.
fn damage(folder: &Path, dice: &mut Dice) -> String {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.is_file()).collect();
    files.sort();
    let file = if dice.below(4) > 0 {
        folder.join("db")
    } else {
        files.swap_remove(usize::try_from(dice.below(u64::try_from(files.len()).unwrap())).unwrap())
    };
    let mut bytes = fs::read(&file).unwrap();
    let place = usize::try_from(dice.below(u64::try_from(bytes.len()).unwrap())).unwrap();
    let kind = dice.below(10);
    match kind {
        0 => {
            fs::remove_file(&file).unwrap();
            return format!("{} deleted", file.display());
        }
        1..4 => bytes.truncate(place),
        4..8 => bytes[place] ^= 1 << dice.below(8),
        _ => bytes.iter_mut().skip(place).take(700).for_each(|byte| *byte = byte.wrapping_add(77)),
    }
    fs::write(&file, bytes).unwrap();
    format!("{} at {place}, kind {kind}", file.display())
}

/// Fills a folder as a quiet life does, a few events at a time: it has several of sled's segments then.
fn fill_thinly(folder: &Path, reader: &dyn Reader) {
    let mut store = store::Store::open(folder).unwrap();
    let mut batch = block::Batch::default();
    let scanned = reader.scan(Seq(1), &mut |record, position| {
        batch.add(&record, position);
        if batch.events == 4 || record.seq == reader.committed() {
            store.apply(&std::mem::take(&mut batch)).unwrap();
        }
        ControlFlow::Continue(())
    });
    scanned.unwrap();
    store.flush().unwrap();
}

/// Events in the journal of the test below.
const LAST: u64 = 8000;

#[tokio::test]
async fn whatever_happens_to_the_folder_the_views_come_back_complete() {
    let (dir, records) = (TempDir::new().unwrap(), day(LAST, 0));
    let reader = journal_of(&records).reader();
    fill_thinly(&dir.path().join("views"), &*reader);

    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut rebuilt = 0;
    for attempt in 0..=50 {
        let other = TempDir::new().unwrap();
        copy(&dir.path().join("views"), &other.path().join("views"));
        // The first one is left as it is: the copy itself is no damage.
        let what =
            if attempt == 0 { "nothing".to_owned() } else { damage(&other.path().join("views"), &mut dice) };
        let (views, told) = start(other.path(), reader.clone());
        if let Err(down) = views.wait_for(Seq(LAST), LONG).await {
            panic!("{attempt}: {what}: {down}: {:?}", views.status());
        }
        assert_complete(&views, &records).await;
        let told = told.lock().unwrap().clone();
        assert!(attempt > 0 || told.is_empty(), "{told:?}");
        rebuilt += usize::from(!told.is_empty());
        println!("{what}: {told:?}");
        stop(views).await;
    }
    assert!(rebuilt >= 10, "{rebuilt} of 50 were noticed");
}

/// A reader that can be held, and that can lie.
struct Odd {
    inner: Arc<dyn Reader>,
    held: Mutex<Option<mpsc::Receiver<()>>>,
    lies: AtomicBool,
    full: AtomicBool,
    scans: AtomicU64,
}

impl Odd {
    fn new(inner: Arc<dyn Reader>) -> Self {
        Self {
            inner,
            held: Mutex::default(),
            lies: AtomicBool::new(false),
            full: AtomicBool::new(false),
            scans: AtomicU64::new(0),
        }
    }
}

impl Reader for Odd {
    fn committed(&self) -> Seq {
        self.inner.committed()
    }
    fn watch(&self) -> watch::Receiver<Seq> {
        self.inner.watch()
    }
    fn wait_beyond(&self, seq: Seq, timeout: Duration) -> Seq {
        self.inner.wait_beyond(seq, timeout)
    }
    fn scan(
        &self,
        from: Seq,
        visit: &mut dyn FnMut(Record, Position) -> ControlFlow<()>,
    ) -> Result<(), JournalError> {
        self.scans.fetch_add(1, Ordering::Relaxed);
        if let Some(held) = self.held.lock().unwrap().take() {
            let _ = held.recv();
        }
        self.inner.scan(from, visit)
    }
    fn read_at(&self, position: Position) -> Result<Record, JournalError> {
        let mut record = self.inner.read_at(position)?;
        if self.lies.swap(false, Ordering::Relaxed) {
            record.seq = record.seq.next();
        }
        Ok(record)
    }
    fn digest_at(&self, seq: Seq) -> Result<Option<crate::journal::Digest>, JournalError> {
        self.inner.digest_at(seq)
    }
    fn degraded(&self) -> Option<String> {
        self.full.load(Ordering::Relaxed).then(|| "the disk is full".to_owned())
    }
}

#[tokio::test]
async fn what_is_left_of_a_full_disk_is_not_taken_by_them() {
    let dir = TempDir::new().unwrap();
    let odd = Odd::new(journal_of(&day(300, 0)).reader());
    odd.full.store(true, Ordering::Relaxed);
    let odd = Arc::new(odd);
    let (views, _) = start(dir.path(), odd.clone());
    let mut phase = views.shared.phase.subscribe();
    let broken = phase.wait_for(|phase| matches!(phase, shared::Phase::Broken { .. })).await.unwrap().clone();
    assert_eq!(broken, shared::Phase::Broken { why: "the disk is full".to_owned() });
    assert_eq!((odd.scans.load(Ordering::Relaxed), fs::read_dir(dir.path()).unwrap().count()), (0, 0));
    stop(views).await;
}

#[tokio::test]
async fn while_they_are_made_readers_are_told_so() {
    let (dir, records) = (TempDir::new().unwrap(), day(300, 0));
    let odd = Odd::new(journal_of(&records).reader());
    let (release, held) = mpsc::channel();
    *odd.held.lock().unwrap() = Some(held);
    let (views, _) = start(dir.path(), Arc::new(odd));
    assert!(views.records(&[Key::OnCall], None, 1).await.is_err());
    assert!(views.ended_alerts(None, 1).await.is_err());
    assert!(matches!(views.status(), Status::Rebuilding { .. }));
    assert!(views.wait_for(Seq(1), Duration::from_millis(1)).await.is_err());
    release.send(()).unwrap();
    assert_complete(&views, &records).await;
    stop(views).await;
}

#[tokio::test]
async fn a_position_that_gives_another_record_makes_them_anew_unless_the_journal_agrees() {
    let (dir, records) = (TempDir::new().unwrap(), day(300, 0));
    let odd = Arc::new(Odd::new(journal_of(&records).reader()));
    let (views, told) = start(dir.path(), odd.clone());
    views.wait_for(Seq(300), LONG).await.unwrap();
    // The journal itself gives the right record at the very same position: nothing is wrong with the folder.
    odd.lies.store(true, Ordering::Relaxed);
    assert_eq!(views.records(&[Key::Ended], None, 1).await.unwrap().len(), 1);
    // A folder whose positions are off.
    views.shared.suspect("event 8 stands where event 7 should".to_owned());
    let mut phase = views.shared.phase.subscribe();
    phase.wait_for(|_| told.lock().unwrap().len() == 2).await.unwrap();
    assert_complete(&views, &records).await;
    assert_eq!(broken_folders(dir.path()), ["views.broken-1"]);
    stop(views).await;
}

#[tokio::test]
async fn a_journal_that_is_another_one_or_shorter_is_noticed() {
    let dir = TempDir::new().unwrap();
    let (long, other, short) = (day(900, 0), day(900, 1), day(500, 0));
    for (index, (records, broken)) in [(&long, 0), (&other, 1), (&short, 2), (&long, 2)].iter().enumerate() {
        let (views, _) = start(dir.path(), journal_of(records).reader());
        assert_complete(&views, records).await;
        stop(views).await;
        assert_eq!(broken_folders(dir.path()).len(), *broken, "journal {index}");
    }
}

#[tokio::test]
async fn a_folder_that_killed_the_process_is_not_opened_twice_and_only_the_last_three_are_kept() {
    let (dir, records) = (TempDir::new().unwrap(), day(100, 0));
    let reader = journal_of(&records).reader();
    for round in 0..6 {
        if round > 0 {
            fs::write(dir.path().join("views.opening"), b"").unwrap();
        }
        let (views, _) = start(dir.path(), reader.clone());
        assert_complete(&views, &records).await;
        stop(views).await;
    }
    assert_eq!(broken_folders(dir.path()), ["views.broken-3", "views.broken-4", "views.broken-5"]);
    assert!(!dir.path().join("views.opening").exists());
}

#[test]
fn an_incident_is_its_own_entries_and_those_of_its_groups() {
    let incident: Incident = serde_json::from_value(serde_json::json!({
        "id": "INC-7", "title": {"derived": "slow"}, "severity": "P1", "urgency": "urgent",
        "status": "investigating", "roles": {}, "groups": ["G-3", "G-9"], "channels": [], "expect": {},
        "opened_by": "watchbell", "opened_at": "2026-03-01T00:00:00Z", "opened_clock": "2026-03-01T00:00:00Z", "severe_since": "2026-03-01T00:00:00Z",
        "acknowledged": null, "mitigated_at": null, "resolved_at": null, "update_due": null,
        "acknowledge_due": null, "unresolved_paged": 0, "opened_for": null, "route": null, "pages": [], "cards": [], "paged": [], "card_revision": 0,
    }))
    .unwrap();
    let expected = [Key::Incident(IncidentId(7)), Key::Group(GroupId(3)), Key::Group(GroupId(9))];
    assert_eq!(of_incident(&incident), expected);
}
