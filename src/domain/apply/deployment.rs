//! Deployments: what their events make of the state. Never remembers more than the last ones.

use crate::domain::{deployment::Deployed, state::State};

impl State {
    pub(super) fn deployed(&mut self, said: &Deployed) {
        self.deployments.take(said);
    }
}
