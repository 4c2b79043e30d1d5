//! Other teams' pagers hear that a page of theirs was taken, and that it is over. Never before the page has left for
//! good: what they hear before the page, they drop, and ring on.

use super::Decision;
use crate::domain::{
    elsewhere::{Held, Told, page_of, under},
    event::{Event, PageStop},
    id::{GroupId, IncidentId, PageId},
    incident::IncidentStatus,
    page::Subject,
};

/// What an event ends.
pub(super) enum Ends {
    /// One page.
    Page(Subject, PageId, Told),
    /// Everything about these.
    All(Vec<Subject>, Told),
}

impl Decision<'_> {
    /// What other pagers have to hear of, before the event changes the state.
    pub(super) fn ends_elsewhere(&self, event: &Event) -> Option<Ends> {
        if self.state.elsewhere.is_empty() {
            return None;
        }
        match event {
            Event::PageStopped { page, subject, why, .. } => match why {
                PageStop::Acknowledged(_) => Some(Ends::Page(*subject, *page, Told::Taken)),
                PageStop::Resolved => Some(Ends::Page(*subject, *page, Told::Over)),
                PageStop::Replaced(_) => None,
            },
            Event::GroupAcknowledged { group, .. } => Some(Ends::All(vec![of_group(*group)], Told::Taken)),
            Event::IncidentAcknowledged { incident, .. } => {
                Some(Ends::All(vec![Subject::Incident(*incident)], Told::Taken))
            }
            Event::GroupClosed { group } => Some(Ends::All(vec![of_group(*group)], Told::Over)),
            Event::IncidentResolved { incident, .. } => {
                let groups = self.state.incidents.get(incident).into_iter().flat_map(|one| &one.groups);
                let all = groups.map(|group| of_group(*group)).chain([Subject::Incident(*incident)]);
                Some(Ends::All(all.collect(), Told::Over))
            }
            // An attempt that was under way when its page ended.
            Event::Delivered { delivery, .. }
            | Event::AttemptFailed { delivery, .. }
            | Event::DeliveryCancelled { delivery, .. } => {
                let delivery = self.state.deliveries.get(delivery)?;
                let (subject, page) = page_of(delivery)?;
                let over = !self.state.pages.contains_key(&page);
                Some(Ends::Page(subject, page, self.how_it_stands(subject).filter(|_| over)?))
            }
            _ => None,
        }
    }

    /// Tells whoever holds it and has not heard.
    pub(super) fn tell_elsewhere(&mut self, ends: Ends) {
        let (found, told) = match ends {
            Ends::Page(subject, page, told) => {
                let key = (under(subject), page);
                (self.state.elsewhere.get_key_value(&key).into_iter().map(copied).collect(), told)
            }
            Ends::All(subjects, told) => {
                let about = |subject: Subject| (subject, PageId(0))..=(subject, PageId(u64::MAX));
                let of = |subject| self.state.elsewhere.range(about(subject)).map(copied);
                (subjects.into_iter().flat_map(of).collect::<Vec<_>>(), told)
            }
        };
        for (page, all) in found {
            // While a page runs it may leave for them again; they hear of its end when it has one.
            if self.state.pages.contains_key(&page) {
                continue;
            }
            for held in all.into_iter().filter(|held| held.leaving.is_empty() && held.told < Some(told)) {
                self.tell_one(page, held, told);
            }
        }
    }

    fn tell_one(&mut self, page: PageId, held: Held, told: Told) {
        if let Some(earlier) = held.telling
            && self.state.deliveries.get(&earlier).is_some_and(|earlier| !earlier.leaving)
        {
            self.cancel(earlier, true);
        }
        self.queue(told.kind(), held.subject, Some(page), held.to, held.channel, 0, None);
    }

    /// What there is to tell of a thing now; nothing while nobody has taken it.
    fn how_it_stands(&self, subject: Subject) -> Option<Told> {
        match subject {
            Subject::Group(group, _) => match self.state.groups.get(&group) {
                None => Some(Told::Over),
                Some(group) if group.incident.is_some_and(|incident| self.is_over(incident)) => {
                    Some(Told::Over)
                }
                Some(group) => group.acknowledged.as_ref().map(|_| Told::Taken),
            },
            Subject::Incident(incident) if self.is_over(incident) => Some(Told::Over),
            Subject::Incident(incident) => {
                let incident = self.state.incidents.get(&incident)?;
                if incident.status == IncidentStatus::Mitigated {
                    return Some(Told::Over);
                }
                incident.acknowledged.as_ref().map(|_| Told::Taken)
            }
            Subject::Request(request) => {
                self.state.closed_pages.get(&request)?.taken.as_ref().map(|_| Told::Taken)
            }
            Subject::Storm(_) | Subject::Run(_) | Subject::Announcement(..) => None,
        }
    }

    fn is_over(&self, incident: IncidentId) -> bool {
        self.state.incidents.get(&incident).is_some_and(|incident| !incident.is_open())
    }
}

fn of_group(group: GroupId) -> Subject {
    Subject::Group(group, None)
}

fn copied((key, all): (&(Subject, PageId), &Vec<Held>)) -> (PageId, Vec<Held>) {
    (key.1, all.clone())
}
