//! One play: a seed decides what happens, step by step.

use jiff::SignedDuration;
use watchbell::{
    domain::{
        alert::AlertStatus::{Firing, Resolved},
        delivery::Outcome,
        event::Event,
        id::{AlertId, GroupId, IncidentId, OverrideId, PageId, SilenceId, TaskId},
        incident::{IncidentRole, IncidentStatus},
        intent::{IncidentIntent, Intent, Refusal, Whom},
        page::Target,
        prose::Prose,
        quiet::{QuietIntent, SilenceKind},
        response::ResponseIntent,
        run::RunIntent,
        state::Timer,
    },
    engine::Accepted,
    journal::Keep,
};

use super::{
    dice::Dice,
    goes_on, held, news, pagers, quiet, runs, shifts,
    witness::{Witness, somebody},
};
use crate::{
    elsewhere,
    world::{World, report, signal},
};

const PEOPLE: [&str; 5] = ["ana", "ben", "chi", "dana", "eli"];
const SERVICES: [&str; 4] = ["qflow", "web", "noise", "unheard-of"];
const SEVERITIES: [&str; 4] = ["page", "critical", "warning", "info"];

/// What is broken on purpose, to see that the witness notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// Nothing.
    None,
    /// Callers are told yes before the sync.
    AnswerBeforeSync,
    /// Deliveries are permitted and then forgotten.
    LoseDelivery,
    /// Attempts leave although their permit was refused.
    IgnorePermit,
    /// A retry gets a key of its own.
    NewKey,
    /// Replay leaves an event out.
    ForgetEvent,
    /// A page's timer is lost.
    StopTimer,
    /// Silences are forgotten while they are in force.
    ForgetSilence,
    /// Nobody looks again at what is quiet.
    LoseWake,
    /// A merge forgets a page.
    LosePageInMerge,
    /// The timer of a task is lost.
    ForgetTask,
    /// What nobody hears goes on.
    GoOnUnheard,
    /// What is heard is held.
    HoldHeard,
    /// Nobody knows any more who has a page in another pager.
    ForgetPager,
    /// Swapped shifts stay as they were.
    ForgetSwap,
    /// Runs that are due are forgotten.
    ForgetRun,
    /// What fires after people resolved it is forgotten.
    ForgetNews,
    /// That nobody has what was said to be mitigated is forgotten.
    ForgetMitigated,
}

impl Sabotage {
    /// Whether the state is made another one than the journal tells: to compare the two would tell nothing.
    fn tampers(self) -> bool {
        matches!(
            self,
            Self::ForgetSilence
                | Self::LoseWake
                | Self::GoOnUnheard
                | Self::HoldHeard
                | Self::ForgetPager
                | Self::ForgetSwap
                | Self::ForgetRun
                | Self::ForgetNews
                | Self::ForgetMitigated
        )
    }

    /// Whether the process may end meanwhile: a restart would mend one half of what is broken in memory alone, and what
    /// is noticed then is the other half.
    fn bears_a_crash(self) -> bool {
        self != Self::GoOnUnheard
    }
}

pub struct Play {
    world: World,
    dice: Dice,
    witness: Witness,
    sabotage: Sabotage,
    /// When each alert last started.
    starts: std::collections::BTreeMap<[usize; 3], jiff::Timestamp>,
}

impl Play {
    pub fn new(seed: u64, sabotage: Sabotage) -> Self {
        let (world, dice) =
            (World::with(runs::with_runs(quiet::with_quiet(elsewhere::config()))), Dice::new(seed));
        Self { world, dice, witness: Witness::default(), sabotage, starts: std::collections::BTreeMap::new() }
    }

    pub fn steps(mut self, steps: usize) {
        self.witness.read(&self.world);
        for step in 0..steps {
            self.world.room = self.dice.chance(50);
            self.step();
            self.witness.read(&self.world);
            for dispatch in self.world.left_at_once.drain(..) {
                self.witness.leaves(&dispatch, self.world.engine);
            }
            self.witness.look(&self.world);
            if step % 50 == 49 && !self.sabotage.tampers() {
                self.witness.replays(&self.world);
            }
        }
        self.calm();
    }

    /// What the disk holds in the middle of it.
    pub fn journal(mut self, steps: usize) -> Vec<watchbell::domain::event::Record> {
        for _ in 0..steps {
            self.world.room = self.dice.chance(50);
            self.step();
            self.world.left_at_once.clear();
        }
        self.world.records()
    }

    fn step(&mut self) {
        match self.dice.below(100) {
            0..=20 => self.report(),
            21..=24 => self.execute(),
            25..=33 => self.acknowledge(),
            34 => self.swap(),
            35..=41 => self.command(),
            42..=46 => self.want_quiet(),
            47..=66 => self.attempt(),
            67..=80 => self.vendor_answers(),
            81..=92 => self.time_passes(),
            93..=94 => self.clock_steps(),
            _ => self.crash(),
        }
    }

    fn report(&mut self) {
        let mut signals = Vec::new();
        for _ in 0..=self.dice.below(3) {
            let which = [self.dice.below(4), self.dice.below(4), self.dice.below(3)];
            let now = self.world.now().civil;
            let started = self.starts.get(&which).copied();
            let (status, starts_at) = match (started, self.dice.below(3)) {
                (Some(at), 0) => (Firing, at),
                (Some(at), 1) => (Resolved, at),
                _ => (Firing, now),
            };
            let name = format!("Alert{}", which[2]);
            let labels = [
                ("alertname", name.as_str()),
                ("service", SERVICES[which[0]]),
                ("severity", SEVERITIES[which[1]]),
                ("audit", if which[2] == 0 { "yes" } else { "no" }),
            ];
            // A source whose clock went back would name an earlier start: it names a later one.
            let starts_at =
                started.map_or(starts_at, |at| if status == Firing { at.max(starts_at) } else { at });
            self.starts.insert(which, starts_at);
            signals.push(signal(status, &labels, starts_at));
        }
        let report = report(signals);
        let now = self.world.now();
        if self.accepted(Intent::Report(report.clone())) {
            self.witness.reported(&report, now);
        } else {
            self.witness.unanswered(&report);
        }
    }

    /// One intent; a crash may come between decision and answer. True: answered with yes.
    fn accepted(&mut self, intent: Intent) -> bool {
        let before = self.dice.chance(5).then(|| self.world.state().clone());
        let answer = self.world.decide(intent);
        if let (Err(_), Some(before)) = (&answer, before)
            && self.world.core.next_deadline().is_none_or(|due| due > self.world.engine)
            && before.seq == self.world.state().seq
        {
            assert!(before == *self.world.state(), "a refused intent changed something");
        }
        if self.sabotage == Sabotage::AnswerBeforeSync && self.dice.chance(10) {
            self.world.crash();
            self.witness.read_again(&self.world);
            return answer.is_ok();
        }
        if self.dice.chance(3) && self.sabotage.bears_a_crash() {
            let keep = match self.dice.below(4) {
                0 => Keep::Whole,
                1 => Keep::Nothing,
                _ => Keep::Records(self.dice.below(6)),
            };
            let undurable = self.world.core.has_undurable();
            self.world.crash_in_append(keep);
            self.witness.read_again(&self.world);
            // What needed no event and what came before it was durable: that answer may have been given.
            return answer.is_ok() && !undurable;
        }
        self.world.commit();
        answer.is_ok()
    }

    fn target(&mut self) -> Target {
        let state = self.world.state();
        let (groups, incidents) = (state.next.group.0, state.next.incident.0);
        let (pages, alerts) = (state.next.page.0, state.next.alert.0);
        let near = |dice: &mut Dice, next: u64| next.saturating_sub(1 + dice.below(4) as u64);
        match self.dice.below(4) {
            0 => Target::Alert(AlertId(near(&mut self.dice, alerts))),
            1 => Target::Incident(IncidentId(near(&mut self.dice, incidents))),
            2 => Target::Page(PageId(near(&mut self.dice, pages))),
            _ => Target::Group(GroupId(near(&mut self.dice, groups))),
        }
    }

    fn acknowledge(&mut self) {
        let (target, by) = (self.target(), somebody(self.dice.pick(&PEOPLE)));
        let before = self.world.state().next.page;
        if self.accepted(Intent::Acknowledge { target, by }) {
            self.witness.read(&self.world);
            self.witness.acknowledged(target, before, &self.world);
        }
    }

    fn command(&mut self) {
        let by = somebody(self.dice.pick(&PEOPLE));
        let salt = [self.dice.below(256) as u8; 16];
        let text = Prose::new("words", salt);
        let incident =
            IncidentId(self.world.state().next.incident.0.saturating_sub(1 + self.dice.below(3) as u64));
        let severity = || ["P0", "P1", "P2", "P3"];
        let to = self.dice.pick(&PEOPLE).into();
        let what = match self.dice.below(18) {
            0 => IncidentIntent::Open {
                severity: self.dice.pick(&severity()).into(),
                title: text,
                channel: None,
            },
            1 => IncidentIntent::Assign { incident, to },
            2 => IncidentIntent::Role { incident, role: IncidentRole::Scribe, to: Some(to) },
            3 => IncidentIntent::Severity { incident, severity: self.dice.pick(&severity()).into() },
            4 | 16 | 17 => IncidentIntent::Status {
                incident: goes_on::mitigated(&self.world, &mut self.dice).unwrap_or(incident),
                status: Some(self.dice.pick(&IncidentStatus::SETTABLE)),
                text: None,
            },
            5 => IncidentIntent::Note { incident, text },
            6 => IncidentIntent::Resolve { incident, text: Some(text) },
            7 => IncidentIntent::Reopen { incident, text: None },
            8 | 9 => {
                let whom = match self.dice.below(3) {
                    0 => Whom::Team("management".into()),
                    1 => Whom::Policy("qflow".into()),
                    _ => Whom::Person(to),
                };
                self.accepted(Intent::Page { whom, reason: text, by });
                return;
            }
            10 => {
                let from = self.world.now().civil;
                let until = from + SignedDuration::from_mins(self.dice.below(90) as i64);
                let schedule = self.dice.pick(&["primary", "secondary", "nonsense"]).into();
                self.accepted(Intent::AddOverride { schedule, person: to, from, until, by });
                return;
            }
            11..=14 => return self.respond(incident, text, by),
            _ => {
                let id = OverrideId(1 + self.dice.below(4) as u64);
                self.accepted(Intent::RemoveOverride { id, by });
                return;
            }
        };
        self.accepted(Intent::Incident { what, by });
    }

    /// Whoever is on call exchanges that for another shift.
    fn swap(&mut self) {
        if let Some(intent) = shifts::swap(&self.world, &mut self.dice) {
            self.accepted(intent);
            shifts::forget_swaps(&mut self.world, self.sabotage);
        }
    }

    /// The executor does what is next for what alerts start.
    fn execute(&mut self) {
        let Some(intent) = runs::next(&self.world, &mut self.dice) else { return };
        let starts = matches!(&intent, Intent::Run(RunIntent::Start(_)));
        if !self.accepted(intent)
            && starts
            && let Some(refused) = runs::not_started(&self.world)
        {
            self.accepted(refused);
        }
    }

    /// Somebody wants that nobody hears of something, or the opposite.
    fn want_quiet(&mut self) {
        let by = somebody(self.dice.pick(&PEOPLE));
        let minutes = SignedDuration::from_mins(1 + self.dice.below(60) as i64);
        let kind = self.dice.pick(&[SilenceKind::Silence, SilenceKind::Maintenance]);
        let what = match self.dice.below(8) {
            0..=2 => {
                let salt = [self.dice.below(256) as u8; 16];
                let matchers = vec![quiet::matchers(&mut self.dice, &SERVICES, &SEVERITIES)];
                let now = self.world.now().civil;
                let later = SignedDuration::from_mins(self.dice.below(20) as i64);
                let from = self.dice.chance(30).then(|| now + later);
                let until = from.unwrap_or(now) + minutes;
                QuietIntent::Add { kind, matchers, comment: Prose::new("words", salt), from, until, by }
            }
            3 => {
                let last = self.world.state().quiet.last.0;
                let silence = SilenceId(last.saturating_sub(self.dice.below(4) as u64));
                QuietIntent::End { silence, kind, by }
            }
            4 | 5 => {
                let Target::Group(group) = self.target() else { return };
                QuietIntent::Snooze { group, wait: minutes, by }
            }
            _ => QuietIntent::Resolve { target: self.target(), by },
        };
        self.accepted(Intent::Quiet(what));
    }

    /// Tasks, merges and handovers.
    fn respond(&mut self, incident: IncidentId, text: Prose, by: watchbell::domain::event::Actor) {
        let task = TaskId(self.world.state().next.task.0.saturating_sub(1 + self.dice.below(3) as u64));
        let to = self.dice.pick(&PEOPLE).into();
        let what = match self.dice.below(10) {
            8 => {
                let url = Prose::new(&format!("https://example.com/{}", self.dice.below(9)), [3; 16]);
                ResponseIntent::Link { incident, url, title: Some(text) }
            }
            9 => {
                let started_at =
                    self.world.now().civil - SignedDuration::from_mins(self.dice.below(90) as i64);
                ResponseIntent::SetImpact { incident, started_at, ended_at: None, text }
            }
            0 | 1 => {
                let wait = SignedDuration::from_mins(self.dice.below(60) as i64);
                let due = self.dice.chance(70).then(|| self.world.now().civil + wait);
                ResponseIntent::AddTask { incident, text, owner: Some(to), due }
            }
            2 => ResponseIntent::FinishTask(task),
            3 => ResponseIntent::ReopenTask(task),
            4 => ResponseIntent::AssignTask { task, to: Some(to) },
            5 => ResponseIntent::HandOver { incident, to },
            _ => {
                let other = self.world.state().next.incident.0.saturating_sub(1 + self.dice.below(4) as u64);
                ResponseIntent::Merge { incident, into: IncidentId(other) }
            }
        };
        let into = if let ResponseIntent::Merge { into, .. } = what { Some(into) } else { None };
        let accepted = self.accepted(Intent::Response { what, by });
        if accepted && into.is_some() && self.sabotage == Sabotage::LosePageInMerge {
            self.world.break_state(|state| {
                // The page that was moved is forgotten, as if it had belonged to what is over.
                let moved = |page: &&std::sync::Arc<watchbell::domain::page::Page>| page.subject.incident() == into;
                let lost = state.pages.values().find(moved).map(|page| page.id);
                if let Some(lost) = lost {
                    state.pages.remove(&lost);
                    state.timers.retain(|(_, timer)| !matches!(timer, Timer::PageStep(page) | Timer::PageTry(page) if *page == lost));
                }
            });
        }
    }

    /// A worker takes something out of a lane, in any order.
    fn attempt(&mut self) {
        if self.world.lane.is_empty() {
            return;
        }
        let index = self.dice.below(self.world.lane.len());
        if self.sabotage == Sabotage::LoseDelivery && self.dice.chance(20) {
            let delivery = self.world.lane.remove(index);
            drop(self.world.want(Intent::Permit(delivery)));
            return;
        }
        let delivery = self.world.lane.remove(index);
        let answer = self.world.want(Intent::Permit(delivery));
        self.witness.read(&self.world);
        let mut dispatch = match answer {
            Ok(Accepted { dispatch: Some(dispatch), .. }) => dispatch,
            Err(Refusal::NotPermitted(_)) if self.sabotage == Sabotage::IgnorePermit => {
                return self.send_without_permit(delivery);
            }
            Ok(_) | Err(Refusal::NotPermitted(_)) => return,
            Err(other) => panic!("a permit is refused with {other:?}"),
        };
        if self.sabotage == Sabotage::NewKey && dispatch.delivery.attempts > 1 {
            dispatch.delivery.key.push_str("-again");
        }
        self.witness.leaves(&dispatch, self.world.engine);
        self.world.under_way.push(dispatch);
    }

    fn send_without_permit(&mut self, delivery: watchbell::domain::id::DeliveryId) {
        let queued = self.world.events().into_iter().find_map(|event| match event {
            Event::DeliveryQueued(queued) if queued.delivery == delivery => Some(queued),
            _ => None,
        });
        if let Some(queued) = queued {
            self.witness.leaves_as(delivery, queued.page);
        }
    }

    fn vendor_answers(&mut self) {
        if self.world.under_way.is_empty() {
            return;
        }
        let index = self.dice.below(self.world.under_way.len());
        let outcome = match self.dice.below(10) {
            0..=5 => Outcome::Receipt("200 OK".into()),
            6..=8 => {
                let after =
                    self.dice.chance(30).then(|| SignedDuration::from_secs(self.dice.below(100) as i64));
                Outcome::TryAgain { after, why: "503".into() }
            }
            _ => Outcome::Refused { why: "gone".into() },
        };
        self.world.answer(index, outcome);
    }

    fn time_passes(&mut self) {
        let millis = match self.dice.below(3) {
            0 => self.dice.below(2_000),
            1 => self.dice.below(120_000),
            _ => self.dice.below(1_200_000),
        };
        // To the next deadline, as the engine's thread would wake, or not quite.
        let jump = self.world.engine + SignedDuration::from_millis(millis as i64);
        let due = self.world.core.next_deadline().filter(|due| *due > self.world.engine);
        self.world.engine = due.map_or(jump, |due| due.min(jump));
        self.world.tick();
        if self.sabotage == Sabotage::ForgetTask {
            let is_task = |timer: &Timer| matches!(timer, Timer::TaskDue(_));
            self.world.break_state(|state| state.timers.retain(|(_, timer)| !is_task(timer)));
        }
        if self.sabotage == Sabotage::StopTimer && self.dice.chance(10) {
            self.world.lose_timer();
        }
        quiet::break_memory(&mut self.world, self.sabotage);
        held::break_holds(&mut self.world, self.sabotage);
        pagers::forget(&mut self.world, self.sabotage);
        runs::forget_due(&mut self.world, self.sabotage);
        news::forget_news(&mut self.world, self.sabotage);
        goes_on::forget_mitigated(&mut self.world, self.sabotage);
    }

    fn clock_steps(&mut self) {
        let by = SignedDuration::from_mins(self.dice.below(240) as i64 - 120);
        self.world.offset += by;
        self.accepted(Intent::ClockStepped { by });
    }

    fn crash(&mut self) {
        if !self.sabotage.bears_a_crash() {
            return;
        }
        if self.sabotage == Sabotage::ForgetEvent {
            self.world.forget_last_intent();
        }
        self.world.crash();
        self.witness.read_again(&self.world);
    }

    /// The storm is over: vendors work, time passes, and every page reaches somebody or ends loudly.
    fn calm(mut self) {
        while !self.world.under_way.is_empty() {
            self.world.answer(0, Outcome::Receipt("200 OK".into()));
        }
        self.world.pass(SignedDuration::from_hours(6), |_| Outcome::Receipt("200 OK".into()));
        self.witness.read(&self.world);
        self.witness.look(&self.world);
        if !self.sabotage.tampers() {
            self.witness.replays(&self.world);
        }
        let left: Vec<_> = self.world.state().deliveries.keys().collect();
        assert!(left.is_empty(), "after six calm hours {left:?} are still on their way");
        self.witness.reached(&self.world);
    }
}
