//! Pages: policies run step by step until somebody acknowledges, what they are for is over, or nobody is left.
//! Never sends: it queues deliveries.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Decision;
use crate::domain::{
    delivery::{Channel, DeliveryKind, Notice, Recipient},
    event::{
        Actor, DeliveryQueued, Event, Nobody, NobodyBecause, PageStarted, PageStop, Paged, Plan, StepTaken,
        Try,
    },
    id::{ChannelName, GroupId, IncidentId, PageId, PersonId, PolicyId, SeverityId},
    incident::Incident,
    intent::{Refusal, Whom},
    page::{Page, PageReason, PageTarget, StepPlan, Subject},
    person::Urgency,
    prose::Prose,
    room::IncidentRoom,
};

/// How long a `/page` waits for an answer before it is repeated, and how often it is.
const REQUEST_WAIT: SignedDuration = SignedDuration::from_mins(5);
const REQUEST_ROUNDS: u32 = 3;
/// How long there is at least to answer the last message of a page before it counts as unanswered.
const LAST_ANSWER: SignedDuration = SignedDuration::from_mins(1);

impl Decision<'_> {
    pub(super) fn start_page(
        &mut self,
        subject: Subject,
        plan: Plan,
        urgency: Urgency,
        severity: Option<SeverityId>,
        reason: PageReason,
        by: Actor,
    ) -> PageId {
        let page = self.state.next.page;
        self.emit(Event::PageStarted(Box::new(PageStarted {
            page,
            subject,
            plan,
            urgency,
            severity,
            reason,
            by,
        })));
        page
    }

    pub(super) fn page_on_request(&mut self, whom: Whom, reason: Prose, by: Actor) -> Result<(), Refusal> {
        let config = self.config;
        let target = match whom {
            Whom::Policy(policy) => {
                let plan = config.plan(&policy).ok_or_else(|| Refusal::unknown_name("policy", &policy))?;
                self.request(plan, reason, by);
                return Ok(());
            }
            Whom::Person(person) => {
                let found =
                    config.people.get(&person).ok_or_else(|| Refusal::unknown_name("person", &person))?;
                if found.contacts.is_empty() {
                    return Err(Refusal::NoContact(person));
                }
                PageTarget::Person(person)
            }
            Whom::Team(team) if config.teams.contains_key(&team) => PageTarget::Team(team),
            Whom::Team(team) => return Err(Refusal::unknown_name("team", &team)),
        };
        let plan = single(target);
        self.request(plan, reason, by);
        Ok(())
    }

    fn request(&mut self, plan: Plan, reason: Prose, by: Actor) {
        let subject = Subject::Request(self.state.next.page);
        self.start_page(subject, plan, Urgency::Urgent, None, PageReason::Asked(reason), by);
    }

    /// The next step of a page is due, or its end.
    pub(super) fn take_step(&mut self, id: PageId) {
        let Some(page) = self.state.pages.get(&id).cloned() else { return };
        match page.next_step() {
            Some((round, step, plan)) => self.page_step(&page, round, step, plan),
            None => self.end_unanswered(&page),
        }
    }

    fn page_step(&mut self, page: &Page, round: u32, step: u32, plan: &StepPlan) {
        let (people, channels, nobody) = self.resolve(plan, page.urgency);
        let next_at = self.next_at(page, round, step, plan, &people, &channels);
        self.emit(Event::StepTaken(Box::new(StepTaken {
            page: page.id,
            subject: page.subject,
            round,
            step,
            people,
            channels: channels.clone(),
            nobody,
            next_at,
        })));
        for channel in channels {
            self.notify(channel, page.subject, Notice::StepTaken(page.id));
        }
    }

    /// When a step that is taken now has had its time.
    fn next_at(
        &self,
        page: &Page,
        round: u32,
        step: u32,
        plan: &StepPlan,
        people: &[Paged],
        channels: &[ChannelName],
    ) -> Timestamp {
        let now = self.now.engine;
        let ends_round = usize::try_from(step).is_ok_and(|step| step >= page.plan.steps.len());
        if !ends_round {
            // A step that reaches nobody is not waited for.
            let nobody = people.is_empty() && channels.is_empty();
            return if nobody { now } else { now + plan.wait };
        }
        if round < page.plan.rounds {
            return now + plan.wait;
        }
        // Nobody comes after this: every contact is tried, and the last one has its time, too.
        let again = |person: &PersonId| people.iter().any(|paged| paged.person == *person);
        let earlier = page.pending.iter().filter(|(person, _)| !again(person)).map(|(_, one)| one.due);
        let last = people.iter().flat_map(|paged| &paged.tries).map(|one| one.due).chain(earlier).max();
        (now + plan.wait).max(last.unwrap_or(now) + LAST_ANSWER)
    }

    /// Whom a step means at this instant: people, channels, and targets that mean nobody.
    fn resolve(&self, plan: &StepPlan, urgency: Urgency) -> (Vec<Paged>, Vec<ChannelName>, Vec<Nobody>) {
        let (mut people, mut channels, mut nobody) = (Vec::<Paged>::new(), Vec::new(), Vec::new());
        for target in &plan.page {
            let meant: Vec<PersonId> = match target {
                PageTarget::Person(person) => vec![person.clone()],
                PageTarget::Team(team) => {
                    self.config.teams.get(team).map(|team| team.members.clone()).unwrap_or_default()
                }
                PageTarget::Schedule(schedule) => self.on_call(schedule).into_iter().collect(),
                PageTarget::Channel(channel) => {
                    channels.push(channel.clone());
                    continue;
                }
            };
            if meant.is_empty() {
                nobody.push(Nobody { target: target.to_string(), why: NobodyBecause::Empty });
            }
            for person in meant {
                if people.iter().any(|paged| paged.person == person) {
                    continue;
                }
                let tries = self.tries(&person, urgency);
                if tries.is_empty() {
                    nobody.push(Nobody { target: target.to_string(), why: NobodyBecause::NoContact(person) });
                } else {
                    people.push(Paged { person, because: target.to_string(), tries });
                }
            }
        }
        (people, channels, nobody)
    }

    /// What will be tried to reach somebody, by their own rules, each contact once.
    fn tries(&self, person: &PersonId, urgency: Urgency) -> Vec<Try> {
        let Some(person) = self.config.people.get(person) else { return Vec::new() };
        let mut used = BTreeSet::new();
        let mut tries = Vec::new();
        for rule in person.rules(urgency) {
            let meant =
                rule.contacts.into_iter().filter_map(|contact| Some((person.channel(&contact)?, contact)));
            for (channel, contact) in meant {
                // `chat` is every account of a person, also one that was tied after the rules were read.
                let contacts = if Channel::PLATFORMS.contains(&channel) {
                    self.state.chat_of(self.config, &person.id)
                } else {
                    vec![(contact, channel)]
                };
                let due = self.now.engine + rule.after;
                for (contact, channel) in contacts {
                    if used.insert((contact.clone(), channel)) {
                        tries.push(Try { contact, channel, due });
                    }
                }
            }
        }
        tries
    }

    /// Contact methods of a page that are due now go into the outbox.
    pub(super) fn try_contacts(&mut self, id: PageId) {
        let Some(page) = self.state.pages.get(&id).cloned() else { return };
        let now = self.now.engine;
        for (person, one) in page.pending.iter().filter(|(_, one)| one.due <= now) {
            self.queue(
                DeliveryKind::Page,
                page.subject,
                Some(id),
                Recipient::Person { person: person.clone(), contact: one.contact.clone() },
                one.channel,
                0,
                None,
            );
        }
    }

    fn end_unanswered(&mut self, page: &Page) {
        self.cancel_deliveries(page);
        self.emit(Event::PageUnanswered { page: page.id, subject: page.subject });
        for channel in self.channels_of(page.subject) {
            self.notify(channel, page.subject, Notice::Unanswered(page.id));
        }
    }

    /// Where people hear of a thing: its own channels, or the catch-all's.
    pub(super) fn channels_of(&self, subject: Subject) -> Vec<ChannelName> {
        let own = match subject {
            Subject::Group(group, _) => self.state.groups.get(&group).map(|group| &group.channels[..]),
            Subject::Incident(incident) => {
                self.state.incidents.get(&incident).map(|incident| &incident.channels[..])
            }
            Subject::Storm(storm) => {
                return self
                    .state
                    .storms
                    .get(&storm)
                    .map(|storm| storm.channel.clone())
                    .into_iter()
                    .collect();
            }
            Subject::Run(run) => self.state.run(run).map(|run| &run.plan.channels[..]),
            Subject::Request(_) | Subject::Announcement(..) | Subject::Silence(_) => None,
        };
        own.filter(|channels| !channels.is_empty()).unwrap_or(&self.config.unrouted.channels).to_vec()
    }

    /// Stops a page. Says whom it spares and what had left already.
    pub(super) fn stop_page(&mut self, id: PageId, why: PageStop) {
        let Some(page) = self.state.pages.get(&id).cloned() else { return };
        let leaving = page
            .deliveries
            .iter()
            .filter(|delivery| self.state.deliveries.get(delivery).is_some_and(|delivery| delivery.leaving))
            .copied()
            .collect();
        let spared = self.spared(&page);
        self.cancel_deliveries(&page);
        self.emit(Event::PageStopped { page: id, subject: page.subject, why, spared, leaving });
    }

    /// People who would have been bothered next: with contacts still to be tried, or named by the next step.
    fn spared(&self, page: &Page) -> Vec<PersonId> {
        let mut spared: BTreeSet<PersonId> = page.pending.iter().map(|(person, _)| person.clone()).collect();
        if let Some((_, _, next)) = page.next_step() {
            spared.extend(self.resolve(next, page.urgency).0.into_iter().map(|paged| paged.person));
        }
        spared.into_iter().collect()
    }

    pub(super) fn cancel_deliveries(&mut self, page: &Page) {
        for delivery in &page.deliveries {
            if self.state.deliveries.get(delivery).is_some_and(|delivery| !delivery.leaving) {
                self.cancel(*delivery, false);
            }
        }
    }

    /// Pages that run for this group.
    pub(super) fn pages_of_group(&self, group: GroupId) -> Vec<PageId> {
        self.state.groups.get(&group).map(|group| group.pages.iter().copied().collect()).unwrap_or_default()
    }

    /// Pages that run for this incident itself, not for its groups.
    pub(super) fn own_pages(&self, incident: IncidentId) -> Vec<PageId> {
        self.state.incidents.get(&incident).map(|one| one.pages.iter().copied().collect()).unwrap_or_default()
    }

    /// Pages that run for this incident or for one of its groups.
    pub(super) fn pages_of_incident(&self, incident: &Incident) -> Vec<PageId> {
        let groups = incident.response.open_groups.iter().flat_map(|group| self.pages_of_group(*group));
        incident.pages.iter().copied().chain(groups).collect()
    }

    pub(super) fn notify(&mut self, channel: ChannelName, subject: Subject, notice: Notice) {
        if matches!(notice, Notice::Unanswered(_)) && self.storm_tells(&channel, subject) {
            return;
        }
        for platform in self.config.platforms_of(&channel) {
            let to = Recipient::Channel(channel.clone());
            self.queue(DeliveryKind::Notice, subject, None, to, platform, 0, Some(notice));
        }
    }

    /// Tells somebody something in chat, which is no page.
    pub(super) fn tell(&mut self, person: &PersonId, subject: Subject, notice: Notice) {
        for (contact, channel) in self.state.chat_of(self.config, person) {
            let to = Recipient::Person { person: person.clone(), contact };
            self.queue(DeliveryKind::Notice, subject, None, to, channel, 0, Some(notice));
        }
    }

    /// Tells the channels of an incident and its rooms.
    pub(super) fn tell_places(&mut self, incident: IncidentId, notice: Notice) {
        let rooms = self.state.incidents.get(&incident).into_iter().flat_map(|one| &one.rooms);
        let rooms: Vec<ChannelName> =
            rooms.filter(|room| !room.closed).filter_map(IncidentRoom::address).collect();
        let subject = Subject::Incident(incident);
        for place in self.channels_of(subject).into_iter().chain(rooms) {
            self.notify(place, subject, notice);
        }
    }

    /// Tells somebody who was paged that it is over: in chat, never as a page.
    pub(super) fn tell_resolved<'of>(
        &mut self,
        people: impl IntoIterator<Item = &'of PersonId>,
        subject: Subject,
    ) {
        for person in people {
            for (contact, channel) in self.state.chat_of(self.config, person) {
                let to = Recipient::Person { person: person.clone(), contact };
                self.queue(DeliveryKind::Resolved, subject, None, to, channel, 0, None);
            }
        }
    }

    /// The key of the next delivery, which no other one has, not even of another data folder.
    pub(super) fn key(&self, of: &dyn std::fmt::Display) -> String {
        format!("{}.{of}.{}", self.state.instance, self.state.next.delivery)
    }

    #[expect(clippy::too_many_arguments, reason = "one for each field of a delivery; named at every call")]
    pub(super) fn queue(
        &mut self,
        kind: DeliveryKind,
        subject: Subject,
        page: Option<PageId>,
        to: Recipient,
        channel: Channel,
        revision: u32,
        notice: Option<Notice>,
    ) {
        self.queue_with(kind, subject, page, to, channel, revision, notice, None);
    }

    #[expect(clippy::too_many_arguments, reason = "one for each field of a delivery; named at every call")]
    pub(super) fn queue_with(
        &mut self,
        kind: DeliveryKind,
        subject: Subject,
        page: Option<PageId>,
        to: Recipient,
        channel: Channel,
        revision: u32,
        notice: Option<Notice>,
        said: Option<Prose>,
    ) {
        let delivery = self.state.next.delivery;
        let key = match page {
            Some(page) => self.key(&page),
            None => self.key(&subject),
        };
        self.emit(Event::DeliveryQueued(Box::new(DeliveryQueued {
            delivery,
            kind,
            subject,
            page,
            to,
            channel,
            key,
            revision,
            notice,
            said,
            room: None,
        })));
    }
}

/// A plan that pages one target, a few times.
pub(super) fn single(target: PageTarget) -> Plan {
    Plan {
        policy: PolicyId::from(target.to_string()),
        rounds: REQUEST_ROUNDS,
        steps: vec![StepPlan { page: vec![target], wait: REQUEST_WAIT }],
    }
}
