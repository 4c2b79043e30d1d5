//! The start of runs, and what follows from what runs by itself: once for each group, within a budget, judged.
//! Never starts what its requester may not.

use jiff::SignedDuration;

use super::Decision;
use crate::domain::{
    delivery::Notice,
    event::Event,
    id::{GroupId, IncidentId, RunId},
    page::{PageReason, Subject},
    run::{
        ARGUMENTS, ASK_FOR, Budget, LINKS, OverBudget, RUNS, Run, RunBecause, RunEvent, RunHappened, RunPlan,
        RunRefusal, STEPS, WHAT_BYTES, WORDS_BYTES,
    },
};

type Ruled = Result<(), RunRefusal>;

/// Nobody is asked for longer than this.
const LONGEST_ASK: SignedDuration = SignedDuration::from_hours(24);

impl Decision<'_> {
    pub(super) fn start_run(&mut self, mut plan: RunPlan) -> Ruled {
        sound(&plan)?;
        if self.state.runs.len() >= RUNS {
            return Err(RunRefusal::TooMany);
        }
        self.starter_holds(&plan, plan.role, &plan.runbook)?;
        if let Some(group) = plan.because.group() {
            self.once(group, &plan.runbook)?;
            plan.group = Some(group);
        }
        if let RunBecause::Answer(_, budget) = &plan.because {
            self.within(budget, &plan.runbook)?;
        }
        let state = &self.state;
        plan.group =
            plan.group.filter(|one| state.groups.contains_key(one) || state.closed_groups.contains_key(one));
        plan.incident = plan.incident.filter(|one| state.incidents.contains_key(one));
        if plan.ask_for <= SignedDuration::ZERO {
            plan.ask_for = ASK_FOR;
        }
        plan.ask_for = plan.ask_for.min(LONGEST_ASK);
        let of_group = plan.group.and_then(|group| state.groups.get(&group)).and_then(|group| group.incident);
        let event = RunEvent {
            run: state.last_run.next(),
            group: plan.group,
            incident: plan.incident.or(of_group),
            title: plan.title.clone(),
            what: RunHappened::Started(Box::new(plan)),
        };
        let incident = event.incident;
        self.emit(Event::Run(Box::new(event)));
        self.show_runs(incident);
        Ok(())
    }

    /// The card of an incident names the runs that are about it.
    pub(super) fn show_runs(&mut self, incident: Option<IncidentId>) {
        let open = incident.and_then(|id| self.state.incidents.get(&id)).filter(|one| one.is_open());
        if let Some(id) = open.map(|incident| incident.id) {
            self.post_incident_card(id);
        }
    }

    /// One group starts the same runbook once.
    fn once(&self, group: GroupId, runbook: &str) -> Ruled {
        let open = self.state.groups.get(&group).ok_or(RunRefusal::NoGroup(group))?;
        match open.runs.get(runbook) {
            Some(run) => Err(RunRefusal::OncePerGroup(group, *run)),
            None => Ok(()),
        }
    }

    fn within(&self, budget: &Budget, runbook: &str) -> Ruled {
        let Some(answers) = self.state.answers.get(runbook) else {
            let none = OverBudget::Spent { most: budget.most, window: budget.window };
            return if budget.most == 0 { Err(RunRefusal::Budget(none)) } else { Ok(()) };
        };
        if let Some(run) = answers.unjudged {
            return Err(RunRefusal::Budget(OverBudget::Unjudged(run)));
        }
        let now = self.now.engine;
        let until = answers.ended.and_then(|ended| ended.checked_add(budget.cool_down).ok());
        if let Some(until) = until.filter(|until| *until > now) {
            let until = self.now.civil_of(until);
            return Err(RunRefusal::Budget(OverBudget::CoolingDown { until }));
        }
        let lately =
            answers.starts.iter().filter(|start| now.duration_since(**start) < budget.window).count();
        if u32::try_from(lately).is_ok_and(|lately| lately < budget.most) {
            return Ok(());
        }
        Err(RunRefusal::Budget(OverBudget::Spent { most: budget.most, window: budget.window }))
    }

    pub(super) fn judge(&mut self, id: RunId, helped: bool) -> Ruled {
        let run = self.state.run(id).cloned().ok_or(RunRefusal::Unknown(id))?;
        if run.judge_due.is_none() {
            return Err(RunRefusal::NothingToJudge(id));
        }
        self.judged(&run, helped);
        Ok(())
    }

    /// Nobody has said in time whether it helped: it did when the group has closed.
    pub(super) fn judge_late(&mut self, id: RunId) {
        let Some(run) = self.state.run(id).cloned() else { return };
        let open = run.plan.group.is_some_and(|group| self.state.groups.contains_key(&group));
        self.judged(&run, !open);
    }

    /// A group has closed: what answered it by itself helped.
    pub(super) fn answers_helped(&mut self, runs: Vec<RunId>) {
        for id in runs {
            let run = self.state.run(id).filter(|run| run.judge_due.is_some()).cloned();
            if let Some(run) = run {
                self.judged(&run, true);
            }
        }
    }

    pub(super) fn judged(&mut self, run: &Run, helped: bool) {
        self.happens(run, RunHappened::Judged { helped });
        if !helped {
            self.page_not_helped(run);
        }
    }

    /// People are paged, unless somebody has taken the group or it is over; the channel hears of it in any case.
    fn page_not_helped(&mut self, run: &Run) {
        for channel in self.asks_where(run) {
            self.notify(channel, Subject::Run(run.id), Notice::NotHelped(run.id));
        }
        self.page_for_answer(run);
    }

    /// Of an automatic answer: people are paged for its group, unless it is over.
    pub(super) fn page_for_answer(&mut self, run: &Run) {
        let group = run.plan.group.and_then(|group| self.state.groups.get(&group)).cloned();
        if let (Some(budget), Some(group)) = (run.plan.because.budget(), group) {
            self.page_instead(budget, &group, PageReason::NotHelped(run.id));
        }
    }
}

/// Whether a plan can be run, and is not larger than what is kept.
fn sound(plan: &RunPlan) -> Ruled {
    let words = [&plan.runbook, &plan.digest, &plan.title, &plan.environment];
    let named = plan.args.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    let said = words.into_iter().map(String::as_str).chain(named);
    let steps = plan.steps.iter().flat_map(|step| [step.name.as_str(), step.heading.as_str()]);
    if said.chain(steps).any(|text| text.len() > WORDS_BYTES) {
        return Err(RunRefusal::TooLarge("a name, a heading or an argument"));
    }
    let asks = plan.steps.iter().filter_map(|step| step.confirm.as_ref());
    if asks.clone().any(|text| text.as_str().len() > WHAT_BYTES) {
        return Err(RunRefusal::TooLarge("the question of a confirmation"));
    }
    if plan.steps.is_empty() {
        return Err(RunRefusal::BadPlan("it has no step"));
    }
    if plan.steps.len() > STEPS {
        return Err(RunRefusal::BadPlan("it has too many steps"));
    }
    let beside = plan.links.iter().flat_map(|link| [link.words.as_str(), link.to.as_str()]);
    let part = plan.part.iter().flat_map(|part| [&part.guide, &part.anchor, &part.heading, &part.prose]);
    if beside.chain(part.map(String::as_str)).any(|text| text.len() > WORDS_BYTES) {
        return Err(RunRefusal::TooLarge("a link or a paragraph"));
    }
    if plan.links.len() > LINKS {
        return Err(RunRefusal::BadPlan("it has too many links"));
    }
    if plan.args.len() > ARGUMENTS {
        return Err(RunRefusal::BadPlan("it has too many arguments"));
    }
    if !plan.steps.iter().zip(1_u32..).all(|(step, index)| step.index == index) {
        return Err(RunRefusal::BadPlan("its steps are not counted from 1"));
    }
    if plan.steps.iter().any(|step| step.approve.is_some_and(|needs| needs.count == 0)) {
        return Err(RunRefusal::BadPlan("an approval by nobody"));
    }
    Ok(())
}
