//! What runs ask people: a confirmation by whoever wanted it, an approval by others. Never counts a yes of the
//! requester, of an automatic identity, of somebody who has not shown who they are, or of one person twice.

use super::Decision;
use crate::domain::{
    delivery::Notice,
    event::Actor,
    id::{ChannelName, PersonId, RunId},
    page::Subject,
    permission,
    person::Role,
    prose::Prose,
    run::{Approvals, NoApproval, Run, RunHappened, RunRefusal, Step},
};

type Ruled = Result<(), RunRefusal>;

impl Decision<'_> {
    pub(super) fn ask_to_confirm(&mut self, run: &Run, step: &Step, what: Prose) {
        let (index, until) = (step.plan.index, self.now.engine + run.plan.ask_for);
        self.happens(run, RunHappened::ConfirmAsked { step: index, what, until });
        self.tell_asked(run, index);
    }

    pub(super) fn ask_to_approve(&mut self, run: &Run, step: &Step, what: Prose) {
        let Some(needs) = step.plan.approve else { return };
        let (index, until) = (step.plan.index, self.now.engine + run.plan.ask_for);
        self.happens(run, RunHappened::ApprovalAsked { step: index, needs, what, until });
        self.tell_asked(run, index);
    }

    fn tell_asked(&mut self, run: &Run, step: u32) {
        for channel in self.asks_where(run) {
            self.notify(channel, Subject::Run(run.id), Notice::RunAsks(run.id, step));
        }
    }

    /// Where a run asks: where it streams, or where everything goes that has no place.
    pub(super) fn asks_where(&self, run: &Run) -> Vec<ChannelName> {
        self.channels_of(Subject::Run(run.id))
    }

    /// The step that asks, or the one that is named.
    fn asking(run: &Run, named: Option<u32>) -> Result<&Step, RunRefusal> {
        if let Some(index) = named {
            let step = run.step(index).ok_or_else(|| RunRefusal::NoStep(run.id, index.to_string()))?;
            return if step.ask().is_some() { Ok(step) } else { Err(Self::nothing_asked(run, named)) };
        }
        let asking: Vec<&Step> = run.steps.iter().filter(|step| step.ask().is_some()).collect();
        match asking.as_slice() {
            [] => Err(Self::nothing_asked(run, named)),
            [only] => Ok(only),
            several => {
                Err(RunRefusal::WhichStep(run.id, several.iter().map(|step| step.plan.index).collect()))
            }
        }
    }

    /// Who has agreed already: to the step that was named, or to the last one to which anybody has.
    fn nothing_asked(run: &Run, named: Option<u32>) -> RunRefusal {
        let agreed = |step: &Step| {
            let yes: Vec<Actor> = step.approved.iter().cloned().map(Actor::Person).collect();
            let yes = if yes.is_empty() { step.confirmed.iter().cloned().collect() } else { yes };
            (!yes.is_empty()).then_some((step.plan.index, yes))
        };
        let mut steps =
            run.steps.iter().rev().filter(|step| named.is_none_or(|named| step.plan.index == named));
        RunRefusal::NothingAsked(run.id, steps.find_map(agreed))
    }

    pub(super) fn approve(&mut self, id: RunId, named: Option<u32>, by: Actor, proven: bool) -> Ruled {
        let run = self.live(id)?;
        let step = Self::asking(&run, named)?;
        let Some(ask) = step.ask() else { return Err(Self::nothing_asked(&run, named)) };
        if ask.confirm {
            return self.confirm(&run, step, by, ask.what.clone());
        }
        let Some(needs) = step.plan.approve else { return Err(Self::nothing_asked(&run, named)) };
        let person = self.counts(&run, step, needs, &by, proven).map_err(RunRefusal::NoApproval)?;
        let given = u32::try_from(step.approved.len()).unwrap_or(u32::MAX).saturating_add(1);
        let missing = needs.count.saturating_sub(given);
        self.happens(&run, RunHappened::ApprovalGiven { step: step.plan.index, by: person, missing });
        Ok(())
    }

    /// Whose yes counts: a person of the configuration, known by token or account, another one than all before.
    fn counts(
        &self,
        run: &Run,
        step: &Step,
        needs: Approvals,
        by: &Actor,
        proven: bool,
    ) -> Result<PersonId, NoApproval> {
        let known = by.person().filter(|person| proven && self.config.people.contains_key(*person));
        let person = known.ok_or(NoApproval::Unproven)?;
        if *by == run.plan.by {
            return Err(NoApproval::Requester(by.clone()));
        }
        if self.is_automatic(run, by) {
            return Err(NoApproval::Automatic(person.clone()));
        }
        if step.approved.contains(person) {
            return Err(NoApproval::Twice(person.clone()));
        }
        permission::check(by, needs.role, self.config).map_err(NoApproval::Role)?;
        Ok(person.clone())
    }

    fn is_automatic(&self, run: &Run, by: &Actor) -> bool {
        let known =
            |person| run.plan.run_as.as_ref() == Some(person) || self.config.automatic.contains(person);
        by.person().is_some_and(known)
    }

    pub(super) fn not_automatic(&self, run: &Run, by: &Actor) -> Ruled {
        match by.person().filter(|_| self.is_automatic(run, by)) {
            Some(person) => Err(RunRefusal::NoApproval(NoApproval::Automatic(person.clone()))),
            None => Ok(()),
        }
    }

    /// The requester confirms, or an operator; then others are asked, when they have to be.
    fn confirm(&mut self, run: &Run, step: &Step, by: Actor, what: Prose) -> Ruled {
        self.not_automatic(run, &by)?;
        if by != run.plan.by {
            self.holds(&by, Role::Operator, "/runbook approve")?;
        }
        self.happens(run, RunHappened::Confirmed { step: step.plan.index, by });
        if step.plan.approve.is_some() {
            self.ask_to_approve(run, step, what);
        }
        Ok(())
    }

    /// Whoever may say yes may say no, and so may the requester.
    pub(super) fn refuse(&mut self, id: RunId, named: Option<u32>, by: Actor) -> Ruled {
        let run = self.live(id)?;
        let step = Self::asking(&run, named)?;
        let confirms = step.ask().is_some_and(|ask| ask.confirm);
        let needed = step.plan.approve.filter(|_| !confirms).map_or(Role::Operator, |needs| needs.role);
        if by != run.plan.by {
            self.holds(&by, needed, "/runbook refuse")?;
        }
        self.stop_because(&run, RunHappened::ApprovalRefused { step: step.plan.index, by });
        Ok(())
    }

    /// Nobody answered in time.
    pub(super) fn ask_expired(&mut self, id: RunId) {
        let Some(run) = self.state.runs.get(&id).cloned() else { return };
        let late = run.steps.iter().find(|step| step.ask().is_some_and(|ask| ask.until <= self.now.engine));
        if let Some(step) = late {
            self.stop_because(&run, RunHappened::ApprovalExpired { step: step.plan.index });
        }
    }
}
