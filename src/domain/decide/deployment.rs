//! What sources say about deployments. Never an event for what is known already: a message may be told twice, late, or
//! by somebody who kept it.

use super::Decision;
use crate::domain::{
    deployment::{Deployed, Told},
    event::Event,
    id::IncidentId,
};

impl Decision<'_> {
    /// Takes what a source says; nothing follows from what is known, late or forgotten.
    pub(super) fn deployed(&mut self, told: Told) {
        let deployments = &self.state.deployments;
        if deployments.was_told(&told) {
            return;
        }
        let known = deployments.of_source(&told);
        let news = match known {
            Some(known) => known.is_moved_by(&told),
            // With numbers for all that ever was told, one message told again would open a new one.
            None => !deployments.has_forgotten(&told),
        };
        if !news {
            return;
        }
        let deployment = known.map_or(deployments.last.next(), |known| known.said.deployment);
        let Told {
            integration,
            message,
            source,
            service,
            environment,
            version,
            commit,
            status,
            by,
            title,
            url,
            at,
        } = told;
        let mut said = Deployed {
            deployment,
            integration,
            message,
            source,
            service,
            environment,
            version,
            commit,
            status,
            by,
            title,
            url,
            at: at.min(self.now.civil),
            incidents: Vec::new(),
        };
        said.incidents = self.open_incidents_of(&said);
        self.emit(Event::Deployed(Box::new(said)));
    }

    /// Open incidents whose alerts name the same service, and no other environment.
    fn open_incidents_of(&self, said: &Deployed) -> Vec<IncidentId> {
        let open = self.state.open_incidents.iter().filter_map(|id| self.state.incidents.get(id));
        let same = open.filter(|incident| self.state.whereabouts(incident).fits(said));
        same.map(|incident| incident.id).collect()
    }
}
