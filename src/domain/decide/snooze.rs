//! Somebody takes a group for a while, or says that it is over; and what still fires is told again. Never forgets a
//! group: a snooze ends with a page.

use jiff::SignedDuration;

use super::Decision;
use crate::domain::{
    delivery::QuietNotice,
    event::{Actor, PageStop, ResolvedBy},
    id::{AlertId, GroupId},
    intent::Refusal,
    page::{PageReason, Target},
    quiet::{GroupSnoozed, QuietEvent, QuietRefusal, SNOOZE},
};

impl Decision<'_> {
    /// The group is taken for now; what pages for it and for the incident that it opened stops.
    pub(super) fn snooze(&mut self, id: GroupId, wait: SignedDuration, by: Actor) -> Result<(), Refusal> {
        let (shortest, longest) = SNOOZE;
        if !(shortest..=longest).contains(&wait) {
            return Err(Refusal::Quiet(QuietRefusal::SnoozeLength));
        }
        let group = self.open_group(id)?;
        let until =
            self.now.engine.checked_add(wait).map_err(|_| Refusal::Quiet(QuietRefusal::SnoozeLength))?;
        let mut pages = self.pages_of_group(id);
        if let Some(incident) = self.opened_by(&group) {
            // In a storm one page is for many groups, and only this one is put off.
            let own = self.own_pages(incident).into_iter();
            pages.extend(own.filter(|page| !self.is_for_others(*page, incident, Some(id))));
        }
        let needless = self.needless_page(&group).filter(|page| !pages.contains(page));
        pages.extend(needless);
        self.emit_quiet(QuietEvent::Snoozed(GroupSnoozed { group: id, until, by: by.clone() }));
        for page in pages {
            self.stop_page(page, PageStop::Snoozed(by.clone()));
        }
        match (group.is_told(), &group.hush) {
            (true, None) => self.post_group_card(id),
            (true, Some(_)) => self.edit_group_card(id),
            (false, _) => {}
        }
        Ok(())
    }

    /// A snooze is over and the group still fires: it pages anew, unless it is quiet.
    pub(super) fn snooze_over(&mut self, id: GroupId) {
        self.emit_quiet(QuietEvent::SnoozeOver { group: id });
        // A silence may begin at this very instant.
        let heard = self.state.groups.get(&id).is_some_and(|group| group.is_told() && group.hush.is_none());
        if heard && !self.hush_if_quiet(id) {
            self.fires_after_all(id);
            if self.state.groups.get(&id).is_some_and(|group| !group.is_told()) {
                return;
            }
            self.page_again(id, PageReason::SnoozeOver);
            self.page_opened_again(id);
            self.tell_again(id, QuietNotice::SnoozeOver);
            self.post_group_card(id);
        }
    }

    /// Of a group that pages nobody the incident did, which somebody opened for it: that is paged for again.
    fn page_opened_again(&mut self, id: GroupId) {
        let Some(group) = self.state.groups.get(&id).filter(|group| group.page.is_none()).cloned() else {
            return;
        };
        let Some(incident) = self.opened_by(&group).and_then(|id| self.state.incidents.get(&id)) else {
            return;
        };
        let (of, paged) = (incident.id, !incident.pages.is_empty() || incident.acknowledged.is_some());
        let config = self.config;
        if let (false, Some(severity)) = (paged, config.severities.get(&incident.severity)) {
            self.page_by_severity(of, severity, PageReason::SnoozeOver, Actor::Watchbell);
        }
    }

    /// It still fires: its channels hear of it again, and people too when nobody has it and nobody is being paged.
    pub(super) fn repeat(&mut self, id: GroupId) {
        let Some(interval) = self.state.groups.get(&id).and_then(|group| group.repeat_interval) else {
            return;
        };
        self.emit_quiet(QuietEvent::Repeated { group: id });
        if self.hush_if_quiet(id) {
            return;
        }
        self.page_again(id, PageReason::Repeated(interval));
        self.tell_again(id, QuietNotice::Repeated);
    }

    /// A person says that it is over. The source may say for a while that it fires; a later start counts.
    pub(super) fn resolve_by_person(&mut self, target: Target, by: &Actor) -> Result<(), Refusal> {
        let alerts: Vec<AlertId> = match target {
            Target::Alert(alert) if self.state.alerts.contains_key(&alert) => vec![alert],
            Target::Alert(_) => return Err(Refusal::Unknown(target)),
            Target::Group(group) => self.open_group(group)?.firing.iter().copied().collect(),
            Target::Incident(_) | Target::Page(_) => {
                return Err(Refusal::Quiet(QuietRefusal::NotResolvable(target)));
            }
        };
        let by = by.person().map_or(ResolvedBy::Operator, |person| ResolvedBy::Person(person.clone()));
        let mut touched = Vec::new();
        for alert in alerts {
            self.end_alert(alert, self.now.civil, by.clone(), &mut touched);
        }
        self.settle(touched);
        Ok(())
    }
}
