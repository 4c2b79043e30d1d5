//! What the engine's thread, mailbox and outbox do when something goes wrong: a fault in a reader or a courier, a dead
//! address, a full queue, a step of the clock. Never waits for real time to pass.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use tokio::sync::{mpsc, oneshot};

use super::{
    Courier, Engine, Rejected,
    clock::Clock,
    core::{Core, Lane},
    mailbox::{Claim, Mail, Mailbox, ROOM, ROOM_BYTES},
    outbox::{Outbox, PAGES_AT_ONCE, TO_ONE, Worker},
    run::{Loop, Parts, Prepared},
};
use crate::{
    domain::{
        alert::{AlertStatus, Report, Signal},
        config::Config,
        delivery::{Channel, Outcome, Recipient},
        event::{Actor, Event, Record, TraceId},
        facts::Dispatch,
        id::{DeliveryId, TaskId},
        intent::{Intent, Now, Whom},
        labels::Labels,
        person::{Person, Role},
        prose::Prose,
        state::{State, Timer},
        upkeep::{UpkeepEvent, UpkeepIntent},
    },
    journal::{Head, Journal, JournalError, Keep, MemoryDisk, MemoryJournal, Reader, snapshot::InParts as _},
    metrics::Metrics,
};

fn start() -> Timestamp {
    "2026-01-05T09:00:00Z".parse().unwrap()
}

fn now() -> Now {
    Now { engine: start(), civil: start() }
}

/// Ana and ben have a hook each.
fn config() -> Arc<Config> {
    let person = |id: &str| Person {
        id: id.into(),
        name: id.to_owned(),
        zone: TimeZone::UTC,
        role: Role::Responder,
        contacts: vec![("hook".into(), Channel::Hook)],
        urgent: Vec::new(),
        routine: Vec::new(),
    };
    let people = ["ana", "ben"].map(person).into_iter().map(|one| (one.id.clone(), one)).collect();
    Arc::new(Config { people, ..Config::default() })
}

fn page(whom: &str) -> Intent {
    Intent::Page { whom: Whom::Person(whom.into()), reason: Prose::new("come", [1; 16]), by: Actor::Operator }
}

fn report(alerts: usize) -> Report {
    let signal = |number: usize| Signal {
        status: AlertStatus::Firing,
        fingerprint: format!("{number}"),
        labels: [("alertname", "Down")].into_iter().collect(),
        annotations: Labels::default(),
        starts_at: start(),
        ends_at: None,
        graph: None,
    };
    Report {
        integration: "prometheus".into(),
        source_group: None,
        status: AlertStatus::Firing,
        truncated: 0,
        source: None,
        signals: (0..alerts).map(signal).collect(),
    }
}

fn to(person: &str) -> Recipient {
    Recipient::Person { person: person.into(), contact: "hook".into() }
}

const PAGES: Lane = Lane { channel: Channel::Hook, page: true };

/// A journal that notes how many events each sync took.
struct Noting(MemoryJournal, Arc<Mutex<Vec<usize>>>);

impl Journal for Noting {
    fn keep(&mut self, records: &[Record]) -> Result<(), JournalError> {
        self.1.lock().unwrap().push(records.len());
        self.0.keep(records)
    }
    fn publish(&mut self) {
        self.0.publish();
    }
    fn head(&self) -> Head {
        self.0.head()
    }
    fn reader(&self) -> Arc<dyn Reader> {
        self.0.reader()
    }
}

/// Stands still, and tells of one step.
struct Still(Option<SignedDuration>);

impl Clock for Still {
    fn now(&mut self) -> (Now, Option<SignedDuration>) {
        (now(), self.0.take())
    }
}

fn core() -> Core {
    Core::open(Box::new(MemoryJournal::default()), config(), State::default()).unwrap()
}

fn parts(outbox: Option<Outbox>) -> Parts {
    Parts {
        instance: "t".into(),
        clock: Box::new(Still(None)),
        outbox,
        after_batch: Box::new(|_, _| {}),
        metrics: Metrics::default(),
        trace: TraceId::default(),
    }
}

#[test]
fn a_state_is_the_same_from_its_parts_in_any_order() {
    let mut core = core();
    core.report(TraceId(1), report(700), now());
    core.decide(TraceId(2), page("ana"), now()).unwrap();
    let state = core.state().clone();
    assert_eq!((state.alerts.len(), state.groups.len(), state.pages.len()), (700, 1, 1));
    let mut parts = state.clone().into_parts();
    // Three of alerts, one each of groups and pages, and the rest.
    assert_eq!(parts.len(), 6);
    parts.reverse();
    assert_eq!(State::from_parts(parts.into_iter()), state);
}

/// Does what a test wants.
enum Vendor {
    Panics,
    IsSilent,
    Tells(mpsc::UnboundedSender<DeliveryId>),
}

impl Courier for Vendor {
    fn channel(&self) -> Channel {
        Channel::Hook
    }
    fn deliver<'a>(&'a self, dispatch: &'a Dispatch) -> Pin<Box<dyn Future<Output = Outcome> + Send + 'a>> {
        match self {
            Self::Panics => panic!("a fault"),
            Self::IsSilent => Box::pin(std::future::pending()),
            Self::Tells(told) => {
                told.send(dispatch.delivery.id).unwrap();
                Box::pin(std::future::ready(Outcome::Receipt("200".into())))
            }
        }
    }
}

fn worker(vendor: Vendor) -> (Worker, Prepared) {
    let prepared = Prepared::default();
    (Worker { engine: prepared.engine(), courier: Some(Arc::new(vendor)) }, prepared)
}

/// A page to ana with its permit.
fn permitted() -> Box<Dispatch> {
    let mut core = core();
    core.decide(TraceId(1), page("ana"), now()).unwrap();
    core.run_due(TraceId(1), now(), 10);
    core.hand_out(TraceId(1), now(), 1, |_, _| Some(())).remove(0).1
}

#[tokio::test]
async fn a_courier_that_panics_is_a_failed_attempt() {
    let outcome = worker(Vendor::Panics).0.attempt(TraceId(1), &permitted()).await;
    assert!(matches!(&outcome, Outcome::TryAgain { why, .. } if why.contains("broke off")), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_courier_that_does_not_answer_is_given_up_and_may_have_delivered() {
    let outcome = worker(Vendor::IsSilent).0.attempt(TraceId(1), &permitted()).await;
    assert!(
        matches!(&outcome, Outcome::TryAgain { why, .. } if why.contains("may have arrived")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_dead_address_takes_a_small_part_of_the_room() {
    let outbox = Outbox::start(&Prepared::default().engine(), &[]);
    let mut taken: Vec<_> = std::iter::from_fn(|| outbox.place(PAGES, &to("ana"))).collect();
    assert_eq!(taken.len(), TO_ONE);
    assert!(outbox.place(PAGES, &to("ben")).is_some());
    taken.pop();
    assert!(outbox.place(PAGES, &to("ana")).is_some(), "an attempt that ended gives its room back");
    // Many addresses fill the lane, and no other lane.
    let many: Vec<_> = (0..).map_while(|number| outbox.place(PAGES, &to(&format!("p{number}")))).collect();
    assert_eq!(many.len(), PAGES_AT_ONCE - taken.len());
    assert!(outbox.place(Lane { page: false, ..PAGES }, &to("ben")).is_some());
    assert!(outbox.place(Lane { channel: Channel::Ntfy, ..PAGES }, &to("ben")).is_some());
}

#[test]
fn what_has_no_room_holds_up_nobody_else_and_is_not_asked_about_for_ever() {
    let mut core = core();
    for whom in std::iter::repeat_n("ana", 500).chain(["ben"]) {
        core.decide(TraceId(1), page(whom), now()).unwrap();
    }
    core.run_due(TraceId(1), now(), usize::MAX);
    let (mut room, mut asked) = (4, 0);
    let left = core.hand_out(TraceId(1), now(), usize::MAX, |_, recipient| {
        asked += 1;
        if *recipient == to("ben") {
            return Some(());
        }
        room = i32::checked_sub(room, 1).filter(|left| *left >= 0)?;
        Some(())
    });
    let to_ben = left.iter().filter(|((), dispatch)| dispatch.delivery.to == to("ben")).count();
    assert_eq!((left.len(), to_ben), (5, 1));
    assert!(asked <= 6, "{asked}");
    assert_eq!(core.held_in_lanes(), [(PAGES, 496)].into());
    assert_ne!(core.next_deadline(), Some(start()), "it does not spin");
    // Nothing is lost: when there is room, the rest leaves, each once.
    let left = core.hand_out(TraceId(1), now(), usize::MAX, |_, _| Some(()));
    assert_eq!((left.len(), core.held().count()), (496, 0));
}

#[test]
fn whoever_was_served_last_waits_for_the_others() {
    let mut core = core();
    for whom in ["ana", "ben"].repeat(3) {
        core.decide(TraceId(1), page(whom), now()).unwrap();
    }
    core.run_due(TraceId(1), now(), usize::MAX);
    let order: Vec<_> = (0..6)
        .map(|_| {
            let mut one = core.hand_out(TraceId(1), now(), 1, |_, _| Some(()));
            one.remove(0).1.delivery.to
        })
        .collect();
    assert_eq!(order, [to("ana"), to("ben"), to("ana"), to("ben"), to("ana"), to("ben")]);
}

#[tokio::test]
async fn a_page_for_which_there_is_room_leaves_with_one_sync() {
    let syncs = Arc::new(Mutex::new(Vec::new()));
    let journal = Noting(MemoryJournal::default(), Arc::clone(&syncs));
    let core = Core::open(Box::new(journal), config(), State::default()).unwrap();
    let prepared = Prepared::default();
    let (told, mut heard) = mpsc::unbounded_channel();
    let outbox = Outbox::start(&prepared.engine(), &[Arc::new(Vendor::Tells(told))]);
    let mut engine = Loop::new(core, Arc::clone(&prepared.mailbox), parts(Some(outbox)));
    let (answer, mut answered) = oneshot::channel();
    engine
        .turn(vec![Mail::Intent { trace: TraceId(1), intent: page("ana"), answer, claim: Claim::default() }])
        .unwrap();
    assert!(answered.try_recv().unwrap().is_ok());
    assert_eq!(heard.recv().await, Some(DeliveryId(1)));
    assert_eq!(syncs.lock().unwrap().len(), 1);
}

#[test]
fn a_large_batch_is_made_durable_in_parts() {
    let syncs = Arc::new(Mutex::new(Vec::new()));
    let journal = Noting(MemoryJournal::default(), Arc::clone(&syncs));
    let core = Core::open(Box::new(journal), config(), State::default()).unwrap();
    let mut engine = Loop::new(core, Arc::default(), parts(None));
    let mut receipts = Vec::new();
    let mails = (0..5).map(|number| {
        let mut report = report(9_000);
        for signal in &mut report.signals {
            signal.fingerprint = format!("{}-{number}", signal.fingerprint);
        }
        let (receipt, received) = oneshot::channel();
        receipts.push(received);
        Mail::Report { trace: TraceId(number), report, receipt }
    });
    let mails = mails.collect();
    engine.turn(mails).unwrap();
    let syncs = syncs.lock().unwrap();
    assert!(syncs.len() == 2 && syncs.iter().all(|events| *events < 30_000), "{syncs:?}");
    for mut receipt in receipts {
        assert!(receipt.try_recv().unwrap().is_ok());
    }
}

#[test]
fn a_step_that_is_seen_between_two_batches_is_in_the_journal_of_the_next() {
    let mut core = core();
    core.report(TraceId(1), report(1), now());
    core.commit().unwrap();
    let reader = core.reader();
    let mut parts = parts(None);
    parts.clock = Box::new(Still(Some(SignedDuration::from_hours(1))));
    let mut engine = Loop::new(core, Arc::default(), parts);
    // Something is due, so the engine looks at the clock before it waits.
    assert!(engine.wake_at().is_some());
    engine.turn(Vec::new()).unwrap();
    let mut steps = Vec::new();
    let found = reader.scan(crate::domain::id::Seq(1), &mut |record, _| {
        if let Event::ClockStepped { by_ms } = record.event {
            steps.push(by_ms);
        }
        std::ops::ControlFlow::Continue(())
    });
    found.unwrap();
    assert_eq!(steps, [3_600_000]);
}

/// An engine with a number that was only counted so far, and whose clock has stepped.
fn with_a_count(disk: &MemoryDisk) -> Loop {
    let mut core =
        Core::open(Box::new(MemoryJournal::open(disk.clone()).0), config(), State::default()).unwrap();
    for _ in 0..11 {
        let refused = UpkeepIntent::Refused { what: "/audit".into(), by: Actor::Person("ben".into()) };
        core.decide(TraceId(1), Intent::Upkeep(refused), now()).unwrap();
    }
    core.commit().unwrap();
    let mut parts = parts(None);
    parts.clock = Box::new(Still(Some(SignedDuration::from_hours(1))));
    Loop::new(core, Arc::default(), parts)
}

#[test]
fn an_orderly_end_writes_what_was_counted_after_the_step_of_the_clock() {
    let disk = MemoryDisk::default();
    with_a_count(&disk).stop();
    let mut last = Vec::new();
    let found = MemoryJournal::open(disk).0.reader().scan(crate::domain::id::Seq(11), &mut |record, _| {
        last.push(record.event);
        std::ops::ControlFlow::Continue(())
    });
    found.unwrap();
    let [Event::ClockStepped { by_ms: 3_600_000 }, Event::Upkeep(what)] = &last[..] else {
        panic!("{last:?}")
    };
    assert!(matches!(**what, UpkeepEvent::RefusedMore { count: 1, .. }), "{what:?}");
}

#[test]
fn a_count_that_a_full_disk_refuses_makes_no_failure_of_an_orderly_end() {
    let disk = MemoryDisk::default();
    let mut engine = with_a_count(&disk);
    disk.fail_next_append(Keep::Nothing);
    engine.stop();
    assert_eq!(disk.len(), 10);
}

#[tokio::test]
async fn a_reader_that_panics_gets_no_answer_and_harms_nobody() {
    let running = Prepared::default().start(core(), parts(None)).unwrap();
    let engine = &running.engine;
    let broken = engine.read(|_| -> usize { panic!("a fault in a card") }).await;
    assert_eq!(broken, Err(Rejected::Stopped));
    assert_eq!(engine.read(|look| look.state.pages.len()).await, Ok(0));
    assert!(engine.submit(TraceId(1), page("ana")).await.is_ok());
    assert_eq!(engine.is_alive().await, Ok(()));
    engine.stop();
}

#[tokio::test]
async fn an_engine_that_panics_lets_nobody_wait() {
    let mut parts = parts(None);
    parts.after_batch = Box::new(|_, events| assert_eq!(events, 0, "a fault"));
    let mut running = Prepared::default().start(core(), parts).unwrap();
    assert_eq!(running.engine.submit(TraceId(1), page("ana")).await, Err(Rejected::Stopped));
    assert!(running.ended.changed().await.is_err(), "its thread broke off");
    assert_eq!(running.engine.submit(TraceId(1), page("ana")).await, Err(Rejected::Stopped));
    assert!(running.engine.is_alive().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_hangs_is_not_alive() {
    // Nobody takes its mail.
    let engine = Prepared::default().engine();
    let why = engine.is_alive().await.unwrap_err();
    assert!(why.contains("did not answer within 2 s"), "{why}");
}

fn fill(engine: &Engine) {
    for _ in 0..ROOM {
        let read = Mail::Read(Box::new(|_| Box::new(|| ())));
        engine.mailbox.post(read).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_became_of_an_attempt_is_told_to_a_busy_engine_until_it_hears() {
    let (worker, prepared) = worker(Vendor::IsSilent);
    fill(&prepared.engine());
    let full = prepared.engine().submit(TraceId(1), Intent::Due).await;
    assert!(matches!(full, Err(Rejected::Busy { .. })), "{full:?}");
    let tries = Arc::new(AtomicUsize::new(0));
    let telling = tokio::spawn({
        let tries = Arc::clone(&tries);
        async move {
            tries.fetch_add(1, Ordering::Relaxed);
            worker.tell(TraceId(7), page("ana")).await;
        }
    });
    // The clock of the test goes on by itself while everybody waits.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(tries.load(Ordering::Relaxed) == 1 && !telling.is_finished());
    drop(prepared.mailbox.take(None));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mut mails = prepared.mailbox.take(None).unwrap();
    let Some(Mail::Intent { trace: TraceId(7), answer, .. }) = mails.pop() else { panic!("it is told") };
    drop(answer.send(Err(Rejected::Stopped)));
    telling.await.unwrap();
}

#[test]
fn reports_wait_by_their_bytes_and_hold_up_nothing_else() {
    let prepared = Prepared::default();
    let post = |bytes: usize| {
        let mut report = report(1);
        report.signals[0].annotations = [("text", "x".repeat(bytes))].into_iter().collect();
        prepared.mailbox.post(Mail::Report { trace: TraceId(1), report, receipt: oneshot::channel().0 })
    };
    assert!(post(ROOM_BYTES + 1).is_ok(), "a single one may be larger");
    assert!(matches!(post(1), Err(Rejected::Busy { .. })));
    fill(&prepared.engine());
    assert_eq!(prepared.mailbox.take(None).map(|mails| mails.len()), Some(ROOM + 1));
    assert!(post(ROOM_BYTES / 2).is_ok() && post(ROOM_BYTES / 3).is_ok());
    assert!(matches!(post(ROOM_BYTES / 3), Err(Rejected::Busy { .. })));
}

#[tokio::test(start_paused = true)]
async fn what_was_not_begun_in_time_is_taken_back_and_never_done_late() {
    let mailbox = Arc::new(Mailbox::default());
    let mut engine = Loop::new(core(), Arc::clone(&mailbox), parts(None));
    let hurried = Engine::new(Arc::clone(&mailbox)).within(Duration::from_secs(10));
    let late = hurried.submit(TraceId(1), page("ana")).await;
    assert!(matches!(late, Err(Rejected::Busy { .. })), "{late:?}");
    assert!(matches!(hurried.read(|_| ()).await, Err(Rejected::Busy { .. })));
    // The engine comes back: what was taken back is not done, what is wanted still is.
    let waiting = tokio::spawn(async move { hurried.submit(TraceId(2), page("ana")).await });
    tokio::task::yield_now().await;
    engine.turn(mailbox.take(None).unwrap()).unwrap();
    assert!(waiting.await.unwrap().is_ok());
    assert_eq!(engine.core.state().pages.len(), 1);
}

#[test]
fn a_timer_from_which_nothing_follows_starves_no_other_and_keeps_nobody_awake() {
    let dead = (start(), Timer::TaskDue(TaskId(99)));
    let mut state = State::default();
    state.timers.insert(dead);
    let (journal, _torn) = MemoryJournal::open(MemoryDisk::default());
    let mut core = Core::open(Box::new(journal), config(), state).unwrap();
    core.decide(TraceId(1), page("ana"), now()).unwrap();
    core.run_due(TraceId(1), now(), 1_024);
    let left = core.hand_out(TraceId(1), now(), usize::MAX, |_, _| Some(()));
    assert_eq!(left.len(), 1, "ana is paged");
    assert!(core.state().timers.contains(&dead), "nothing is forgotten");
    assert!(core.next_deadline().is_some_and(|due| due > start()), "and the engine sleeps");
    assert_eq!(core.run_due(TraceId(2), now(), 1_024), None, "it is not asked about again");
    core.configure(config());
    assert_eq!(core.next_deadline(), Some(start()), "perhaps something follows by another configuration");
    core.run_due(TraceId(3), now(), 1_024);
    assert!(core.next_deadline().is_some_and(|due| due > start()));
}

#[test]
fn thousands_of_refusals_are_ten_events_a_minute_and_a_number_and_a_replay_says_the_same() {
    let disk = MemoryDisk::default();
    let mut core =
        Core::open(Box::new(MemoryJournal::open(disk.clone()).0), config(), State::default()).unwrap();
    let after = |seconds: i64| {
        let at = start() + SignedDuration::from_secs(seconds);
        Now { engine: at, civil: at }
    };
    let refused = |by: &str| {
        let by = Actor::Person(by.into());
        let intent = UpkeepIntent::Refused { what: "/audit".into(), by: by.clone() };
        Intent::ByToken { token: "screen".into(), by, intent: Box::new(Intent::Upkeep(intent)) }
    };
    let mut written = Vec::new();
    let mut at = |core: &mut Core, seconds: i64, by: &str, times: usize| {
        for _ in 0..times {
            core.decide(TraceId(1), refused(by), after(seconds)).unwrap();
        }
        core.run_due(TraceId(1), after(seconds), 10);
        for record in core.undurable() {
            if let Event::Upkeep(what) = &record.event {
                written.push((**what).clone());
            }
        }
        core.commit().unwrap();
        std::mem::take(&mut written)
    };
    assert_eq!(at(&mut core, 0, "ben", 3_000).len(), 10);
    assert_eq!(at(&mut core, 1, "ana", 1).len(), 1, "others have minutes of their own");
    assert_eq!(at(&mut core, 59, "ben", 12).len(), 0);
    assert_eq!(core.next_deadline(), Some(after(60).engine), "the engine wakes to say how many");
    let more = |count| [UpkeepEvent::RefusedMore { by: Actor::Person("ben".into()), count }];
    assert_eq!(at(&mut core, 60, "ben", 0), more(3_002));
    assert_eq!(at(&mut core, 61, "ben", 11).len(), 10, "the next minute begins with the next one");
    // One more than is written, and the next minute has begun before anybody has said so.
    let both = at(&mut core, 121, "ben", 11);
    assert_eq!(both.iter().filter(|what| more(1).contains(what)).count(), 1, "{both:?}");
    assert_eq!(core.next_deadline(), Some(after(181).engine), "the other one is of the next minute");
    core.tell_left_out(TraceId(2), after(122), Timestamp::MAX);
    assert_eq!(core.undurable().len(), 1, "a stop does not wait for the minute");
    core.commit().unwrap();
    assert_eq!(core.next_deadline(), None);
    let again = Core::open(Box::new(MemoryJournal::open(disk).0), config(), State::default()).unwrap();
    assert_eq!(again.state(), core.state());
    assert!(again.state().refusals.len() <= 2);
}
