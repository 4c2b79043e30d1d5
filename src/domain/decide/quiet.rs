//! Silences and maintenance, and the groups that they keep quiet: while all alerts of a group are quiet nobody is told
//! and nobody is paged for it. Never drops an alert: what still fires when it is over is told and paged then.

use jiff::{SignedDuration, Timestamp};

use super::Decision;
use crate::domain::{
    delivery::{Notice, QuietNotice},
    event::{Actor, Event, PageStop, Title},
    group::Group,
    id::{AlertId, ChannelName, GroupId, SeverityId, SilenceId},
    incident::IncidentStatus,
    intent::Refusal,
    labels::Labels,
    matcher::Matcher,
    page::{PageReason, Subject},
    prose::Prose,
    quiet::{
        GroupHushed, LONGEST, LONGEST_MATCHER, MOST_MATCHERS, MOST_SILENCES, QuietEvent, QuietIntent,
        QuietRefusal, Silence, SilenceAdded, SilenceKind,
    },
};

/// Whoever writes "from 14:00" in that very minute means now.
const JUST_NOW: SignedDuration = SignedDuration::from_mins(1);

impl Decision<'_> {
    pub(super) fn quiet(&mut self, what: QuietIntent) -> Result<(), Refusal> {
        match what {
            QuietIntent::Add { kind, matchers, comment, from, until, by } => {
                self.add_silence(kind, &matchers, comment, from, until, by).map_err(Refusal::Quiet)
            }
            QuietIntent::End { silence, kind, by } => {
                self.end_by_person(silence, kind, by).map_err(Refusal::Quiet)
            }
            QuietIntent::Snooze { group, wait, by } => self.snooze(group, wait, by),
            QuietIntent::Resolve { target, by } => self.resolve_by_person(target, &by),
        }
    }

    pub(super) fn emit_quiet(&mut self, event: QuietEvent) {
        self.emit(Event::Quiet(Box::new(event)));
    }

    /// A civil instant as engine time, by the clocks of this moment.
    pub(super) fn engine_time(&self, civil: Timestamp) -> Option<Timestamp> {
        self.now.engine.checked_add(civil.duration_since(self.now.civil)).ok()
    }

    fn add_silence(
        &mut self,
        kind: SilenceKind,
        matchers: &[String],
        comment: Prose,
        from: Option<Timestamp>,
        until: Timestamp,
        by: Actor,
    ) -> Result<(), QuietRefusal> {
        let matchers = conditions(matchers)?;
        let now = self.now.civil;
        let from = from.unwrap_or(now);
        if from < now && now.duration_since(from) > JUST_NOW {
            return Err(QuietRefusal::BeginsInThePast);
        }
        if until <= from {
            return Err(QuietRefusal::EndsFirst);
        }
        if until <= now {
            return Err(QuietRefusal::Over);
        }
        let from = from.max(now);
        if until.duration_since(from) > LONGEST || from.duration_since(now) > LONGEST {
            return Err(QuietRefusal::TooLong);
        }
        if self.state.quiet.silences.len() >= MOST_SILENCES {
            return Err(QuietRefusal::TooMany);
        }
        let (starts, ends) =
            self.engine_time(from).zip(self.engine_time(until)).ok_or(QuietRefusal::TooLong)?;
        self.begin_silence(SilenceAdded {
            silence: self.state.quiet.last.next(),
            kind,
            matchers: matchers.iter().map(ToString::to_string).collect(),
            by,
            comment: Title::Written(comment),
            planned: None,
            channels: Vec::new(),
            starts,
            ends,
        });
        Ok(())
    }

    /// It is there, and what it is about is quiet from its begin on.
    pub(super) fn begin_silence(&mut self, added: SilenceAdded) {
        let (id, begun) = (added.silence, added.starts <= self.now.engine);
        self.emit_quiet(QuietEvent::Added(added));
        if begun {
            self.silence_began(id);
        }
    }

    fn silence_began(&mut self, id: SilenceId) {
        let Some(silence) = self.state.quiet.silences.get(&id).cloned() else { return };
        let groups: Vec<GroupId> = self
            .state
            .groups
            .values()
            .filter(|group| group.is_told() && group.hush.is_none() && self.is_about(&silence, group))
            .map(|group| group.id)
            .collect();
        for group in groups {
            self.hush_if_quiet(group);
        }
        self.tell_maintenance(&silence, QuietNotice::Began);
    }

    fn end_by_person(&mut self, id: SilenceId, kind: SilenceKind, by: Actor) -> Result<(), QuietRefusal> {
        let silence = self.state.silence(id).cloned().ok_or(QuietRefusal::Unknown(kind, id))?;
        if silence.kind != kind {
            return Err(QuietRefusal::OtherKind { silence: id, is: silence.kind });
        }
        if let Some((at, by)) = &silence.ended {
            return Err(QuietRefusal::Ended { silence: id, kind, at: *at, by: by.clone() });
        }
        self.end_silence(&silence, Some(by));
        Ok(())
    }

    /// A silence begins, or its time is over.
    pub(super) fn silence_due(&mut self, id: SilenceId) {
        let Some(silence) = self.state.quiet.silences.get(&id).cloned() else { return };
        if silence.begun {
            self.end_silence(&silence, None);
            self.plan_maintenance();
        } else {
            self.emit_quiet(QuietEvent::Began { silence: id });
            self.silence_began(id);
        }
    }

    /// What it alone kept quiet is heard from now on.
    pub(super) fn end_silence(&mut self, silence: &Silence, by: Option<Actor>) {
        self.emit_quiet(QuietEvent::Ended { silence: silence.id, by });
        if !silence.begun {
            return;
        }
        let groups: Vec<GroupId> = self
            .state
            .groups
            .values()
            .filter(|group| match &group.hush {
                // It may keep only what joined while the group was quiet already: that is not in `by`.
                Some(hush) => {
                    hush.by.iter().any(|one| one.silence == silence.id) || self.is_about(silence, group)
                }
                None => self.is_about(silence, group),
            })
            .map(|group| group.id)
            .collect();
        for group in groups {
            if self.state.groups.get(&group).is_some_and(|group| group.hush.is_some()) {
                self.wake(group);
            } else {
                self.fires_after_all(group);
                self.hear_all(group);
                self.fired_unheard(group);
                self.runs_due(group, None);
            }
        }
        self.tell_maintenance(silence, QuietNotice::Ended);
    }

    fn tell_maintenance(&mut self, silence: &Silence, notice: QuietNotice) {
        // One takes the place of another (its times or its words were changed): it neither begins nor ends by that.
        let goes_on = silence.planned.is_some()
            && self.state.quiet.silences.values().any(|other| {
                other.id != silence.id && other.planned == silence.planned && other.holds(self.now.engine)
            });
        if goes_on {
            return;
        }
        let channels: Vec<ChannelName> = silence.channels.clone();
        for channel in channels {
            self.notify(channel, Subject::Silence(silence.id), Notice::Quiet(notice));
        }
    }

    fn is_about(&self, silence: &Silence, group: &Group) -> bool {
        let mut alerts = group.firing.iter().filter_map(|alert| self.state.alerts.get(alert));
        alerts.any(|alert| silence.matches(&alert.labels))
    }

    /// Whether an alert with these labels is quiet now.
    pub(super) fn is_quieted(&self, labels: &Labels) -> bool {
        let mut silences = self.state.quiet.silences.values();
        silences.any(|silence| silence.holds(self.now.engine) && silence.matches(labels))
    }

    pub(super) fn is_quieted_alert(&self, alert: AlertId) -> bool {
        self.state.alerts.get(&alert).is_some_and(|alert| self.is_quieted(&alert.labels))
    }

    /// All alerts of a group are quiet: whatever pages for it stops, and its card says why. Says whether they are.
    pub(super) fn hush_if_quiet(&mut self, id: GroupId) -> bool {
        let Some(group) = self.state.groups.get(&id).cloned() else { return false };
        let Some(hush) = self.state.hush_of(&group, self.now.engine) else { return false };
        if group.hush.as_deref() == Some(&hush) {
            return true;
        }
        let untold = !group.is_told();
        let hushed = GroupHushed { group: id, by: hush.by, until: hush.until, untold };
        self.emit_quiet(QuietEvent::Hushed(hushed));
        for page in self.pages_of_group(id) {
            self.stop_page(page, PageStop::Quiet);
        }
        if group.is_told() && group.hush.is_none() {
            self.edit_group_card(id);
        }
        true
    }

    /// A group that is quiet is looked at again: when one of its alerts is heard, it is told and paged as if its wait
    /// was just over.
    pub(super) fn wake(&mut self, id: GroupId) {
        let Some(group) = self.state.groups.get(&id).cloned() else { return };
        if group.hush.is_none() || self.hush_if_quiet(id) {
            return;
        }
        self.fires_after_all(id);
        if self.state.groups.get(&id).is_some_and(|group| !group.is_told()) {
            // Its wait is over, and that is decided next.
            self.emit_quiet(QuietEvent::Woken { group: id, wait_until: Some(self.now.engine) });
            self.hear_all(id);
            return;
        }
        self.emit_quiet(QuietEvent::Woken { group: id, wait_until: None });
        self.hear_all(id);
        self.fired_unheard(id);
        self.page_again(id, PageReason::QuietOver);
        self.tell_again(id, QuietNotice::Over);
        self.post_group_card(id);
        self.runs_due(id, None);
    }

    /// The wait of a quiet group is over and it is heard: from here on it is a group like any other.
    pub(super) fn heard_at_last(&mut self, id: GroupId) {
        if self.state.groups.get(&id).is_some_and(|group| group.hush.is_some()) {
            self.emit_quiet(QuietEvent::Woken { group: id, wait_until: None });
            self.hear_all(id);
        }
    }

    /// What joined unheard counts from now on: the group is as severe as the worst alert that is heard.
    fn hear_all(&mut self, id: GroupId) {
        let Some(group) = self.state.groups.get(&id).cloned() else { return };
        let route = group.route.as_ref();
        let route = route.and_then(|id| self.config.routes.iter().find(|route| route.id == *id));
        let of_route = route.and_then(|route| route.severity.clone());
        let heard = group.firing.iter().filter_map(|alert| self.state.alerts.get(alert));
        let heard = heard.filter(|alert| !self.is_quieted(&alert.labels));
        let worst = heard.filter_map(|alert| match &of_route {
            Some(severity) => Some(severity.clone()),
            None => self.config.severity_of(&alert.labels).map(|severity| severity.id.clone()),
        });
        let worst: Option<SeverityId> = worst.min();
        if let Some(worst) = worst.filter(|worst| self.is_raised(id, worst)) {
            self.raise_group(id, worst);
        }
    }

    /// Pages for a group that is heard again, unless somebody has it or is being paged for it.
    pub(super) fn page_again(&mut self, id: GroupId, reason: PageReason) {
        let Some(group) = self.state.groups.get(&id).cloned() else { return };
        let (None, true, Some(plan)) = (&group.acknowledged, group.pages.is_empty(), &group.page) else {
            return;
        };
        // What people resolved or mitigated is no news at the end of a silence, until something of it fires. A snooze and a
        // repetition were asked for. And one page is for all of a flood, and runs.
        let no_news = group.over || self.is_mitigated(&group);
        if (no_news && reason == PageReason::QuietOver) || self.is_covered(&group) {
            return;
        }
        // Whoever has its incident has not what is left of a flood that was merged into it: that is one page, too.
        match self.flood_of(&group).and_then(|incident| self.state.incidents.get(&incident)).cloned() {
            Some(incident) => self.page_flood(&incident, &group, plan, reason),
            None => self.page_group(id, plan, reason),
        }
    }

    /// Whether people said that the impact is over.
    pub(super) fn is_mitigated(&self, group: &Group) -> bool {
        let incident = group.incident.and_then(|id| self.state.incidents.get(&id));
        incident.is_some_and(|incident| incident.status == IncidentStatus::Mitigated)
    }

    /// A sentence in the channels of a group, by a new message.
    pub(super) fn tell_again(&mut self, id: GroupId, notice: QuietNotice) {
        let Some(group) = self.state.groups.get(&id) else { return };
        let own = Subject::Group(id, group.incident);
        // A snooze is of one group.
        let flood = self.flood_of(group).filter(|_| notice != QuietNotice::SnoozeOver);
        let subject = flood.map_or(own, Subject::Incident);
        for channel in self.channels_of(own) {
            let told = flood.is_some_and(|incident| self.was_told_again(incident, &channel));
            if !told && !self.storm_tells(&channel, own) {
                self.notify(channel, subject, Notice::Quiet(notice));
            }
        }
    }
}

/// Reads conditions, all of which have to be met.
fn conditions(written: &[String]) -> Result<Vec<Matcher>, QuietRefusal> {
    if written.iter().any(|text| text.len() > LONGEST_MATCHER * 2) {
        return Err(QuietRefusal::TooLarge);
    }
    let matchers = Matcher::parse_words(written)
        .map_err(|(number, why)| QuietRefusal::Matcher { number, why: why.to_string() })?;
    let is_long = |matcher: &Matcher| matcher.to_string().len() > LONGEST_MATCHER;
    if matchers.len() > MOST_MATCHERS || matchers.iter().any(is_long) {
        return Err(QuietRefusal::TooLarge);
    }
    // Alertmanager's rule: at least one condition must fail when its label is absent.
    let nothing = Labels::default();
    if matchers.iter().all(|matcher| matcher.matches(&nothing)) {
        return Err(QuietRefusal::Everything);
    }
    Ok(matchers)
}
