//! Merging: two incidents turn out to be one. Never loses a page: whoever is paged for what is merged is paged on, unless
//! somebody has the other incident and it is no milder.

use super::Decision;
use crate::domain::{
    delivery::Notice,
    event::{Actor, Event, PageStop},
    group::Group,
    id::IncidentId,
    incident::{Incident, IncidentStatus},
    intent::Refusal,
    page::Target,
    response::{Merged, ResponseEvent, ResponseRefusal},
};

impl Decision<'_> {
    pub(super) fn merge(&mut self, id: IncidentId, into: IncidentId, by: &Actor) -> Result<(), Refusal> {
        if id == into {
            return Err(Refusal::Response(ResponseRefusal::Itself(id)));
        }
        let from = self.running(id)?;
        let target =
            self.state.incidents.get(&into).cloned().ok_or(Refusal::Unknown(Target::Incident(into)))?;
        self.not_merged(&target)?;
        if let Some(at) = target.resolved_at {
            return Err(Refusal::Response(ResponseRefusal::IntoResolved {
                into,
                at,
                by: target.response.resolved_by.clone(),
            }));
        }
        let (pages, untaken) = (self.pages_of_incident(&from), self.untaken_groups(&from));
        let merged = Merged { incident: id, into, by: by.clone() };
        self.emit(Event::Response(Box::new(ResponseEvent::Merged(merged))));
        // Ids sort the worst first.
        let worse = from.severity < target.severity;
        if worse {
            self.emit(Event::SeverityChanged {
                incident: into,
                from: target.severity.clone(),
                to: from.severity.clone(),
                urgency: from.urgency,
                expect: from.expect.clone(),
                by: by.clone(),
            });
        }
        if from.status != IncidentStatus::Mitigated {
            self.investigate_again(into, by);
        } else if target.status != IncidentStatus::Mitigated && self.is_any_left(&from) {
            // It goes on in one that is not mitigated.
            self.run_again.insert(into);
        }
        match &target.acknowledged {
            Some((holder, _)) if !worse => {
                for group in untaken {
                    self.emit(Event::GroupAcknowledged { group, by: holder.clone() });
                }
                for page in pages {
                    self.stop_page(page, PageStop::Acknowledged(holder.clone()));
                }
            }
            _ if worse && from.acknowledged.is_none() && pages.is_empty() => self.page_worse(into, by),
            _ => {}
        }
        self.tell_places(id, Notice::Merged(into));
        self.refresh_incident(id);
        self.refresh_incident(into);
        Ok(())
    }

    /// Whether something of an incident that was mitigated waits for somebody when it is that no more.
    fn is_any_left(&self, incident: &Incident) -> bool {
        let mut open = incident.response.open_groups.iter().filter_map(|id| self.state.groups.get(id));
        let waits = |group: &Group| self.is_left(group) || !self.unanswered(group).is_empty();
        open.any(|group| waits(group)) || self.is_by_hand(incident, false)
    }

    /// Nobody has what makes the other incident worse, and nobody is paged for it any more: it pages as when it is raised.
    fn page_worse(&mut self, into: IncidentId, by: &Actor) {
        let config = self.config;
        let Some(incident) = self.state.incidents.get(&into).cloned() else { return };
        if let Some(severity) = config.severities.get(&incident.severity) {
            self.page_raised(&incident, severity, by);
        }
    }

    /// What was merged is done elsewhere.
    pub(super) fn not_merged(&self, incident: &Incident) -> Result<(), Refusal> {
        self.state.merged_away(incident).map_or(Ok(()), |no| Err(Refusal::Response(no)))
    }
}
