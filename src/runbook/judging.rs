//! Whether an automatic answer helped: after its run the check that it names is looked at, until it passes or the time is
//! over. Never judges that it did not: that nobody saw it help in time is for the rules to say.

use std::time::Duration;

use super::{
    model::Action,
    prepared::Prepared,
    run::{Running, look},
};
use crate::domain::run::{RunIntent, StepOutcome};

/// Looks at the check while there is time, and the pause between two of them in any case.
const LOOKS: u32 = 30;
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

impl Running {
    /// Looks until the rules know. Without a check of its own nothing is looked at: the end of the group says it.
    ///
    /// That no step is done without a permit is no matter here: the run is over, and it is proved that the check only
    /// reads and needs no other step.
    pub(super) async fn find_out(&self) {
        let Some(within) = self.plan.because.budget().map(|budget| budget.judge_within) else { return };
        let Some(check) = self.runbook.by_itself.helped.and_then(|number| self.runbook.action(number)) else {
            return;
        };
        let pause = Duration::try_from(within).unwrap_or_default() / LOOKS;
        while self.is_unjudged().await {
            if self.holds_now(check).await {
                // Refused: it was judged meanwhile.
                drop(self.tell(RunIntent::Judge { run: self.id, helped: true }).await);
                return;
            }
            tokio::time::sleep(pause.clamp(SHORTEST, LONGEST)).await;
        }
    }

    async fn is_unjudged(&self) -> bool {
        let id = self.id;
        let unjudged =
            look(&self.desk, move |look| look.state.run(id).is_some_and(|run| run.judge_due.is_some()));
        unjudged.await.unwrap_or(false)
    }

    async fn holds_now(&self, check: &Action) -> bool {
        let Ok(now) = look(&self.desk, |look| look.now.civil).await else { return false };
        let Ok(prepared) = Prepared::new(&check.act, &self.scope, now) else { return false };
        let began = tokio::time::Instant::now();
        let found = self.perform(check, &prepared).await;
        self.judged(check, found, &self.scope, began.elapsed()).outcome == StepOutcome::Passed
    }
}
