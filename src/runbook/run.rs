//! A run under way: step after step, each with its permit, its check and its report. Never does a step without a
//! permit, and never a second time what changes something.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use super::asked::watch_for_stop;
pub(super) use super::asked::{look, tell};
use super::{
    Runbook, answer,
    course::Studio,
    model::{Action, Step},
    prepared::{Place, Prepared, one_line, patience, signed},
    redact::{redacted, redacted_value},
    scope::Scope,
    verdict::{Next, judge, next, runs_beside},
    watch::Watch,
    world::{Fault, Found},
};
use crate::{
    command::{self, Caller, Desk},
    domain::{
        event::TraceId,
        id::{ChannelName, RunId, Seq},
        prose::{Echo, Prose},
        run::{
            ATTEMPTS, LINE_BYTES, Permit, RunIntent, RunPlan, RunRefusal, RunStatus, StepOutcome, StepReport,
            Verdict,
        },
    },
    engine::Accepted,
    text::{self, card::Card, plain::aligned, runbook as words},
};

/// Steps that one run does at most, jumps counted.
const MOST: usize = 1_000;
/// Between two looks at a run that waits: an answer is noticed that fast, and a storm of events costs little.
pub(super) const LOOK: Duration = Duration::from_millis(100);

/// What each step said, by its number, for whoever waits for the answer: heading and text.
pub(super) type Said = Arc<Mutex<BTreeMap<usize, (String, String)>>>;

/// A run that is being done.
pub(super) struct Running {
    pub desk: Desk,
    pub id: RunId,
    pub plan: RunPlan,
    pub runbook: Arc<Runbook>,
    pub place: Place,
    /// What it knows before its first step.
    pub scope: Scope,
    pub caller: Caller,
    pub channel: Option<ChannelName>,
    pub trace: TraceId,
    pub said: Said,
    pub commits: watch::Receiver<Seq>,
    pub stop: watch::Sender<bool>,
    /// Tells whoever waits for the answer that it is over, or has to wait for somebody.
    pub news: Arc<Notify>,
    pub studio: Studio,
    /// What each action found, by its number.
    pub results: BTreeMap<usize, Map<String, Value>>,
    /// What became of those that count.
    pub outcomes: BTreeMap<usize, StepOutcome>,
    /// A dry run has shown a change: what it would lead to is not there.
    pub shown: bool,
}

/// There is nothing more to do: the run is over, or the engine has stopped.
pub(super) struct Over;

/// What the rules say of a step.
enum May {
    Go(u32),
    /// People said meanwhile what became of it.
    Already(StepOutcome),
    No(String),
}

/// What became of a step.
struct Done {
    outcome: StepOutcome,
    fields: Map<String, Value>,
    /// It would change something, and a dry run only says so.
    shown: bool,
}

/// What is told of a step.
pub(super) struct Told {
    pub outcome: StepOutcome,
    took: Duration,
    pub line: String,
    pub shown: String,
    pub cut: u64,
    fields: Map<String, Value>,
}

impl Told {
    fn never_began(outcome: StepOutcome, line: &str) -> Self {
        let line = one_line(line);
        Self { outcome, took: Duration::ZERO, line, shown: String::new(), cut: 0, fields: Map::new() }
    }
}

impl Running {
    /// Does what is left of it, from the action of this number.
    pub async fn go(mut self, from: usize) {
        let (desk, id, commits) = (self.desk.clone(), self.id, self.commits.clone());
        let stop = self.stop.clone();
        let watching = async move {
            watch_for_stop(&desk, id, commits).await;
            stop.send_replace(true);
            // What runs ends by itself now, and says so.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            _ = self.finish_all(from) => {}
            () = watching => {}
        }
        self.news.notify_one();
        self.find_out().await;
    }

    async fn finish_all(&mut self, from: usize) -> Result<(), Over> {
        self.steps(from).await?;
        let bad = |outcome: &StepOutcome| !matches!(outcome, StepOutcome::Passed | StepOutcome::Skipped);
        // Whether an automatic answer helped is found out afterwards: before it does, its check may well fail.
        let judged = self.plan.because.budget().and(self.runbook.by_itself.helped);
        // What it looked at may have been bad, or it would not have done anything: what counts then is what it did.
        let counts = |number: usize| {
            judged.is_none()
                || self.runbook.action(number).is_none_or(|one| one.changes && Some(number) != judged)
        };
        let mut outcomes = self.outcomes.iter().filter(|(number, _)| counts(**number));
        let verdict =
            if outcomes.any(|(_, outcome)| bad(outcome)) { Verdict::Failed } else { Verdict::Passed };
        self.end(verdict, self.agreement()).await
    }

    /// What its sources say together, those that were asked.
    fn agreement(&self) -> Option<String> {
        let heading = |number: usize| {
            let of = |step: &&Step| step.actions.iter().any(|action| action.number == number);
            self.runbook.steps.iter().find(of).map(|step| step.title.as_str())
        };
        let asked = self.runbook.sources.iter().filter_map(|number| {
            let outcome = *self.outcomes.get(number)?;
            Some((heading(*number)?, outcome)).filter(|_| outcome != StepOutcome::Skipped)
        });
        let mut text = words::agreement(&asked.collect::<Vec<_>>())?;
        super::world::shorten(&mut text, LINE_BYTES);
        Some(text)
    }

    /// Says that nothing is left to do.
    pub async fn end(&self, verdict: Verdict, summary: Option<String>) -> Result<(), Over> {
        // Refused: it ended another way.
        drop(self.tell(RunIntent::End { run: self.id, verdict, summary }).await?);
        Ok(())
    }

    async fn steps(&mut self, mut at: usize) -> Result<(), Over> {
        let runbook = Arc::clone(&self.runbook);
        for _ in 0..MOST {
            let batch = batch(&runbook, at);
            let Some(last) = batch.last() else { return Ok(()) };
            let mut to = last.number + 1;
            // Once for all of them: a look waits for the sync of whatever was told before it.
            let now = look(&self.desk, |look| look.now.civil).await?;
            let done = join_all(batch.iter().map(|action| self.one(action, now))).await;
            for (action, done) in batch.iter().zip(done) {
                match self.keep(action, done?) {
                    Next::On => {}
                    Next::To(number) => to = number,
                    Next::Stop => return Ok(()),
                }
            }
            at = to;
        }
        self.outcomes.insert(usize::MAX, StepOutcome::Failed);
        Ok(())
    }

    fn keep(&mut self, action: &Action, done: Done) -> Next {
        let next = next(action, done.outcome);
        self.results.insert(action.number, done.fields);
        // A failure that leads on is what the runbook is for.
        let handled = done.outcome == StepOutcome::Failed && matches!(next, Next::To(_));
        // What a change leads to cannot be seen while it was only shown.
        let handled = handled || self.shown;
        self.shown |= done.shown;
        self.outcomes.insert(action.number, if handled { StepOutcome::Skipped } else { done.outcome });
        next
    }

    /// What is known now.
    fn scope(&self) -> Scope {
        let mut scope = self.scope.clone();
        for name in &self.runbook.left_out {
            scope.set(name, nothing(false));
        }
        for action in self.runbook.actions() {
            let Some(name) = &action.settings.name else { continue };
            match self.results.get(&action.number) {
                Some(fields) => scope.set(name, fields),
                None => scope.set(name, json!({"ok": false, "ran": false, "elapsed": 0})),
            }
        }
        scope
    }

    async fn one(&self, action: &Action, now: Timestamp) -> Result<Done, Over> {
        let scope = self.scope();
        let not_begun = |outcome, line: String| async move {
            let told = Told::never_began(outcome, &line);
            self.finish(action, 0, told, false).await
        };
        if let Some(when) = &action.settings.when {
            match when.holds(&scope) {
                Ok(true) => {}
                Ok(false) => return not_begun(StepOutcome::Skipped, words::not_when(when.text())).await,
                Err(no) => return not_begun(StepOutcome::Unknown, no.to_string()).await,
            }
        }
        let prepared = match Prepared::new(&action.act, &scope, now) {
            Ok(prepared) => prepared,
            Err(no) => return not_begun(StepOutcome::Failed, no.to_string()).await,
        };
        let what = prepared.says(&self.place.secrets);
        if self.plan.dry && action.changes {
            let done = not_begun(StepOutcome::Skipped, words::would(&what)).await?;
            return Ok(Done { shown: true, ..done });
        }
        // Whoever only wants to see what would happen does not wait for it.
        let real = !self.plan.dry;
        let times = action.settings.retry.filter(|_| real).map_or(0, |retry| retry.times);
        let watched =
            action.settings.follow.as_ref().filter(|_| real).and_then(|follow| Watch::new(follow, &scope));
        let mut tried = 0;
        loop {
            let attempt = match self.permit(action, &what).await? {
                May::Go(attempt) => attempt,
                May::Already(outcome) => return Ok(Done { outcome, fields: nothing(false), shown: false }),
                May::No(why) => return not_begun(StepOutcome::Failed, why).await,
            };
            let began = Instant::now();
            let (found, course) = tokio::join!(
                self.perform(action, &prepared),
                self.course_when(watched.is_none(), action, &prepared)
            );
            // What is watched is drawn at its end.
            let pause = watched.as_ref().and_then(Watch::pause);
            let ends = watched.is_some() && pause.is_none();
            let course = if ends { self.course_when(true, action, &prepared).await } else { course };
            let mut told = self.judged(action, found, &scope, began.elapsed());
            self.show_course(action, course, &mut told).await?;
            let done = self.finish(action, attempt, told, true).await?;
            if action.changes {
                self.place.look_anew();
            }
            if let Some(pause) = pause
                && attempt < ATTEMPTS
                && !self.stopped_within(pause).await
            {
                self.place.look_anew();
                continue;
            }
            let again = !matches!(done.outcome, StepOutcome::Passed | StepOutcome::Stopped) && tried < times;
            if !again || *self.stop.borrow() {
                return Ok(done);
            }
            tried += 1;
            let pause = action.settings.retry.and_then(|retry| Duration::try_from(retry.every).ok());
            self.stopped_within(pause.unwrap_or_default()).await;
            self.place.look_anew();
        }
    }

    /// Lets a pause pass; true: it was stopped in it.
    async fn stopped_within(&self, pause: Duration) -> bool {
        let mut stopped = self.stop.subscribe();
        tokio::time::timeout(pause, stopped.wait_for(|stop| *stop)).await.is_ok()
    }

    /// Does it; none: it was stopped.
    pub(super) async fn perform(&self, action: &Action, prepared: &Prepared) -> Option<Result<Found, Fault>> {
        let mut stopped = self.stop.subscribe();
        let ended = self.stop.subscribe();
        let work = async {
            match prepared {
                Prepared::Chat(line) => self.chat(line, patience(action)).await,
                prepared => prepared.perform(action, &self.place, &ended).await,
            }
        };
        if matches!(prepared, Prepared::Run(_)) {
            // A program is asked to end first, and then ended.
            let found = work.await;
            return if *stopped.borrow() { None } else { Some(found) };
        }
        tokio::select! {
            found = work => Some(found),
            _ = stopped.wait_for(|stop| *stop) => None,
        }
    }

    /// Another command of the bot, as the same person.
    async fn chat(&self, line: &str, patience: Duration) -> Result<Found, Fault> {
        let answer = command::run(&self.desk, self.caller.clone(), self.channel.clone(), line, self.trace);
        let answer: std::pin::Pin<Box<dyn Future<Output = _> + Send + '_>> = Box::pin(answer);
        let reply = match tokio::time::timeout(patience, answer).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) => return Err(Fault::Unknown(words::BUSY.to_owned())),
            Err(_) => return Err(Fault::TimedOut(signed(patience))),
        };
        // Buttons are for whoever asked; here nobody presses them.
        let bare = |card: &Card| text::lines::card(&Card { buttons: Vec::new(), ..card.clone() });
        let said = reply.cards.iter().map(bare).collect::<Vec<_>>().join("\n\n");
        let mut shown = self.place.secrets.cover(if reply.cards.is_empty() { &reply.text } else { &said });
        let cut = super::world::shorten(&mut shown, super::world::OUTPUT);
        let mut fields = Map::new();
        fields.insert("reply".to_owned(), shown.clone().into());
        fields.insert("ok".to_owned(), reply.ok.into());
        Ok(Found { fields, shown, cut })
    }

    pub(super) fn judged(
        &self,
        action: &Action,
        found: Option<Result<Found, Fault>>,
        scope: &Scope,
        took: Duration,
    ) -> Told {
        let not = |outcome, line: &str| Told { took, ..Told::never_began(outcome, line) };
        let found = match found {
            None => return not(StepOutcome::Stopped, ""),
            Some(Err(Fault::Unknown(why))) => {
                return not(StepOutcome::Unknown, &self.place.secrets.cover(&why));
            }
            Some(Err(fault @ Fault::TimedOut(_))) => return not(StepOutcome::TimedOut, &fault.to_string()),
            Some(Err(Fault::NotAllowed(why))) => {
                return not(StepOutcome::Failed, &self.place.secrets.cover(&why));
            }
            Some(Ok(found)) => found,
        };
        let mut fields = found.fields;
        fields.entry("elapsed").or_insert_with(|| took.as_secs_f64().into());
        let (outcome, why) = judge(action, &fields, scope);
        let said = answer::says(&action.settings, &fields, scope);
        let said = said.map(|said| aligned(&self.place.secrets.cover(&said)));
        let mut shown = redacted(action, said.unwrap_or(found.shown));
        super::world::shorten(&mut shown, super::world::OUTPUT);
        let first = answer::headline(&shown);
        let line = match why {
            Some(why) if first.is_empty() => one_line(&why),
            // Its own words say more than the rule that they break.
            Some(why) if action.settings.show.is_some() => one_line(&format!("{first}; {why}")),
            Some(why) => one_line(&format!("{why}: {first}")),
            None => one_line(&first),
        };
        let fields = fields.into_iter().map(|(name, value)| (name, redacted_value(action, value))).collect();
        Told { outcome, took, line, shown, cut: found.cut, fields }
    }

    async fn finish(&self, action: &Action, attempt: u32, told: Told, ran: bool) -> Result<Done, Over> {
        let mut fields = nothing(ran);
        fields.insert("elapsed".to_owned(), told.took.as_secs_f64().into());
        fields.extend(told.fields);
        fields.insert("ok".to_owned(), (told.outcome == StepOutcome::Passed).into());
        let salt = (self.desk.salt)();
        let output = (!told.shown.is_empty()).then(|| Prose::new(&told.shown, salt));
        let kept = action.settings.name.as_ref().map(|_| Value::Object(fields.clone()).to_string());
        let kept = kept.map(|json| Echo::new(&json, (self.desk.salt)()));
        let line = Echo::new(&told.line, (self.desk.salt)());
        let report = StepReport {
            run: self.id,
            step: index(action),
            attempt,
            outcome: told.outcome,
            took: signed(told.took),
            line,
            output,
            speaks: answer::speaks(action, &told.shown),
            cut: told.cut,
            result: kept,
        };
        if !told.shown.is_empty() {
            let of = |step: &&Step| step.actions.iter().any(|one| one.number == action.number);
            let heading = self.runbook.steps.iter().find(of).map(|step| step.title.clone());
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            said.insert(action.number, (heading.unwrap_or_default(), told.shown));
        }
        // A refusal can only mean that it is larger than what is kept, which was seen to.
        if let Err(no) = self.tell(RunIntent::Finish(Box::new(report))).await? {
            tracing::error!(run = %self.id, ?no, "what became of a step was not taken");
            return Err(Over);
        }
        Ok(Done { outcome: told.outcome, fields, shown: false })
    }

    /// Asks for a permit until it is given or cannot be.
    async fn permit(&self, action: &Action, what: &str) -> Result<May, Over> {
        let (run, step) = (self.id, index(action));
        let mut commits = self.commits.clone();
        let mut waited = false;
        loop {
            commits.mark_unchanged();
            if waited && let Some(outcome) = self.settled(step).await? {
                return Ok(May::Already(outcome));
            }
            let what = Prose::new(what, (self.desk.salt)());
            match self.tell(RunIntent::Permit { run, step, what }).await? {
                Ok(accepted) => {
                    if let Permit::Go { attempt } = Permit::of(&accepted.events, run, step) {
                        return Ok(May::Go(attempt));
                    }
                }
                Err(RunRefusal::Over { .. } | RunRefusal::Stopping(..) | RunRefusal::Unknown(_)) => {
                    return Err(Over);
                }
                Err(RunRefusal::Waiting(_)) => waited = true,
                Err(no) => return Ok(May::No(words::refused(no, &self.caller.zone))),
            }
            self.news.notify_one();
            commits.changed().await.map_err(|_| Over)?;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What became of a step, once people have said how to go on.
    async fn settled(&self, step: u32) -> Result<Option<StepOutcome>, Over> {
        let id = self.id;
        let seen = self.desk.engine.read(move |look| {
            let run = look.state.run(id)?;
            let goes_on = run.status == RunStatus::Running;
            run.step(step).filter(|_| goes_on)?.outcome()
        });
        seen.await.map_err(|_| Over)
    }

    /// Tells the engine; when it is busy, again in a moment.
    pub async fn tell(&self, what: RunIntent) -> Result<Result<Accepted, RunRefusal>, Over> {
        tell(&self.desk, self.trace, what).await
    }
}

/// The actions that run at once from this one on; empty: there is none.
fn batch(runbook: &Runbook, at: usize) -> Vec<&Action> {
    let mut batch: Vec<&Action> = Vec::new();
    for action in runbook.actions().skip(at) {
        let apart = !runs_beside(action) || action.uses.iter().any(|used| *used >= at);
        if !batch.is_empty() && apart {
            break;
        }
        batch.push(action);
        if !runs_beside(action) {
            break;
        }
    }
    batch
}

/// A step as the domain counts it.
pub(super) fn index(action: &Action) -> u32 {
    u32::try_from(action.number).unwrap_or(u32::MAX).saturating_add(1)
}

fn nothing(ran: bool) -> Map<String, Value> {
    Map::from_iter([
        ("ok".to_owned(), false.into()),
        ("ran".to_owned(), ran.into()),
        ("elapsed".to_owned(), 0.into()),
    ])
}
