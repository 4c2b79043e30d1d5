//! What a message is about, gathered from the state at the moment it leaves, so that a late message says what is
//! true now. Never words: how it is said is the text module's and the adapters' work.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    alert::Alert,
    delivery::Delivery,
    deployment::Change,
    event::Actor,
    id::{AlertId, ChannelName, GroupId, IncidentId, PageId, PersonId, RunId, SeverityId, SilenceId},
    incident::{Incident, IncidentStatus},
    intent::Now,
    labels::Labels,
    offer::Offers,
    page::{ClosedPage, PageReason, Subject},
    person::Urgency,
    quiet::{Hush, Silence, Snooze},
    response::ResponseFacts,
    run::{HeldBack, Run, RunOffer},
    state::State,
    storm::StormFacts,
};

/// A delivery that has its permit: everything that a worker needs for one attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Dispatch {
    /// The delivery; `attempts` counts this attempt.
    pub delivery: Delivery,
    /// What it is about.
    pub facts: Facts,
    /// When the permit was given (civil time).
    pub at: Timestamp,
    /// Of a card that stands there already: where, in the platform's own ids.
    pub edits: Option<String>,
    /// Accounts on the delivery's platform that people tied to themselves, by a code, as they are at this attempt.
    pub linked: BTreeMap<PersonId, String>,
    /// What its card offers to choose from.
    pub offers: Offers,
}

/// Where the thing stands that a message is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nobody has taken it.
    Open,
    /// Somebody has, at this civil time.
    Acknowledged(Actor, Timestamp),
    /// It is over since this civil time.
    Resolved(Timestamp),
}

/// What a message is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The thing itself.
    pub subject: Subject,
    /// What people call it.
    pub title: String,
    /// One line for a page: the summary annotation or the name of its first alert, the incident's title, or
    /// the reason of a request.
    pub summary: String,
    /// How bad.
    pub severity: Option<SeverityId>,
    /// Whether it wakes people.
    pub urgency: Urgency,
    /// Where it stands.
    pub standing: Standing,
    /// The incident that it is or belongs to.
    pub incident: Option<IncidentFacts>,
    /// The group that it is.
    pub group: Option<GroupFacts>,
    /// The storm that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storm: Option<StormFacts>,
    /// Whether a page runs that ends when somebody takes it, also when somebody has it already.
    #[serde(default)]
    pub paging: bool,
    /// Why somebody is paged, when this is a page.
    pub reason: Option<PageReason>,
    /// Who caused the page.
    pub by: Option<Actor>,
    /// The run that it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Arc<Run>>,
    /// The silence or maintenance that it is; its instants are civil time, once a permit was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<Arc<Silence>>,
}

/// What is known of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentFacts {
    /// Its id.
    pub id: IncidentId,
    /// Its title.
    pub title: String,
    /// How bad.
    pub severity: SeverityId,
    /// Where the response stands.
    pub status: IncidentStatus,
    /// Who leads.
    pub commander: Option<String>,
    /// The last deployment before it; only where the incident itself is what the message is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// Runbooks that are offered for it, while it is open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offered: Vec<RunOffer>,
    /// Runs for it that are not over: their ids and what they are called. At most [`IncidentFacts::MOST`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub running: Vec<(RunId, String)>,
    /// Its tasks, its impact, what was merged.
    #[serde(default)]
    pub response: ResponseFacts,
    /// Its page and its deadlines stand still: nobody has it, and nothing of it is heard.
    #[serde(default)]
    pub held: bool,
}

impl IncidentFacts {
    /// How many runs a message names.
    pub const MOST: usize = 5;
}

/// What is known of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupFacts {
    /// Its id.
    pub id: GroupId,
    /// How many alerts fire.
    pub firing: usize,
    /// How many have been in it.
    pub seen: u64,
    /// The labels of `group_by`.
    pub labels: Labels,
    /// When it opened (civil time).
    pub opened_at: Timestamp,
    /// Up to [`GroupFacts::MOST`] alerts that fire, the oldest first.
    pub alerts: Vec<AlertFacts>,
    /// Runbooks that were to start for it and do not, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_back: Vec<(String, HeldBack)>,
    /// What keeps it quiet, and until when (civil time, once a permit was given).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Hush>,
    /// Who took it for a while, and until when (civil time, once a permit was given).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snooze: Option<Snooze>,
    /// The incident that it belonged to, when that was resolved and it fired again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<IncidentId>,
}

impl GroupFacts {
    /// How many alerts a message names; the others are counted.
    pub const MOST: usize = 10;
}

/// What is known of an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertFacts {
    /// Its id.
    pub id: AlertId,
    /// Its name.
    pub name: String,
    /// Labels as sent: escape them.
    pub labels: Labels,
    /// Annotations as sent (`summary`, `description`, `runbook_url` …): escape them.
    pub annotations: Labels,
    /// When it started.
    pub starts_at: Timestamp,
    /// Link to the graph.
    pub graph: Option<String>,
    /// Link to the source.
    pub source: Option<Arc<str>>,
}

impl Facts {
    /// Engine time as what people read: when a permit is given, both clocks are known.
    pub(super) fn in_civil_time(&mut self, now: Now) {
        let civil = |at: &mut Timestamp| *at = now.civil_of(*at);
        if let Some(group) = &mut self.group {
            group.quiet.iter_mut().for_each(|hush| civil(&mut hush.until));
            group.snooze.iter_mut().for_each(|snooze| civil(&mut snooze.until));
        }
        if let Some(silence) = self.silence.as_mut().map(Arc::make_mut) {
            civil(&mut silence.starts);
            civil(&mut silence.ends);
        }
    }

    /// How bad: of the thing itself or of its incident, whichever is worse.
    #[must_use]
    pub fn worst(&self) -> Option<&SeverityId> {
        // Ids sort the worst first.
        let incident = self.incident.as_ref().map(|incident| &incident.severity);
        [self.severity.as_ref(), incident].into_iter().flatten().min()
    }
}

impl ClosedPage {
    /// Where a page by request stands that no longer runs.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let taken = self.taken.clone();
        taken.map_or(Standing::Open, |(by, at)| Standing::Acknowledged(by, at))
    }
}

impl State {
    /// What a delivery is about, as it stands now.
    #[must_use]
    pub fn facts(&self, delivery: &Delivery) -> Facts {
        let page = delivery.page.and_then(|page| self.pages.get(&page));
        let mut facts = match delivery.subject {
            Subject::Group(group, incident) => self.group_facts(group, incident, delivery.subject),
            Subject::Incident(incident) => self.incident_facts(incident, delivery.subject),
            Subject::Request(request) => self.request_facts(request, delivery.subject),
            Subject::Storm(storm) => self.storm_facts(storm),
            Subject::Run(run) => self.run_facts(run, delivery.subject),
            Subject::Announcement(_, incident) => self.announcement_facts(incident, delivery),
            Subject::Silence(silence) => self.silence_facts(silence, delivery.subject),
        };
        if let Some(incident) = &mut facts.incident {
            let id = incident.id;
            self.noticed(&mut incident.response, id, delivery);
        }
        facts.paging = self.is_paged_for(delivery.subject);
        facts.reason = page.map(|page| page.reason.clone());
        facts.by = page.map(|page| page.by.clone());
        facts.urgency = page.map_or(facts.urgency, |page| page.urgency);
        facts
    }

    fn group_facts(&self, id: GroupId, incident: Option<IncidentId>, subject: Subject) -> Facts {
        let incident = self.incident_line(incident);
        if let Some(group) = self.groups.get(&id) {
            let alerts: Vec<AlertFacts> = group
                .firing
                .iter()
                .take(GroupFacts::MOST)
                .filter_map(|alert| self.alerts.get(alert))
                .map(|alert| alert_facts(alert))
                .collect();
            let summary = alerts.first().map_or(group.title.as_str(), alert_line).to_owned();
            let standing = match &group.acknowledged {
                Some((by, at)) => Standing::Acknowledged(by.clone(), *at),
                None => Standing::Open,
            };
            return Facts {
                subject,
                title: group.title.clone(),
                summary,
                severity: group.severity.clone(),
                urgency: group.urgency,
                standing,
                incident,
                group: Some(GroupFacts {
                    id,
                    firing: group.firing.len(),
                    seen: group.seen,
                    labels: group.labels.clone(),
                    opened_at: group.opened_at,
                    alerts,
                    held_back: group.held_back.to_vec(),
                    quiet: group.hush.as_deref().cloned(),
                    snooze: group.snooze.as_deref().cloned(),
                    resolved: group.resolved,
                }),
                storm: None,
                paging: false,
                reason: None,
                by: None,
                run: None,
                silence: None,
            };
        }
        let closed = self.closed_groups.get(&id);
        let title = closed.map_or_else(|| id.to_string(), |closed| closed.title.clone());
        Facts {
            subject,
            summary: title.clone(),
            title,
            severity: closed.and_then(|closed| closed.severity.clone()),
            urgency: Urgency::Routine,
            standing: Standing::Resolved(closed.map_or(self.clock, |closed| closed.closed_at)),
            incident,
            group: Some(GroupFacts {
                id,
                firing: 0,
                seen: closed.map_or(0, |closed| closed.seen),
                labels: closed.map(|closed| closed.labels.clone()).unwrap_or_default(),
                opened_at: closed.map_or(self.clock, |closed| closed.opened_at),
                alerts: Vec::new(),
                held_back: Vec::new(),
                quiet: None,
                snooze: None,
                resolved: None,
            }),
            storm: None,
            paging: false,
            reason: None,
            by: None,
            run: None,
            silence: None,
        }
    }

    fn incident_facts(&self, id: IncidentId, subject: Subject) -> Facts {
        let known = self.incidents.get(&id).map(AsRef::as_ref);
        let title = known.map_or_else(|| id.to_string(), |incident| incident.title.to_string());
        let change = known.and_then(|incident| self.last_change(incident));
        let standing = match known {
            Some(Incident { resolved_at: Some(at), .. }) => Standing::Resolved(*at),
            Some(Incident { acknowledged: Some((by, at)), .. }) => Standing::Acknowledged(by.clone(), *at),
            _ => Standing::Open,
        };
        Facts {
            subject,
            summary: title.clone(),
            title,
            severity: known.map(|incident| incident.severity.clone()),
            urgency: known.map(|incident| incident.urgency).unwrap_or_default(),
            standing,
            incident: self.incident_line(Some(id)).map(|mut line| {
                line.response.groups = known.and_then(|incident| self.groups_of(incident));
                IncidentFacts { change, ..line }
            }),
            group: None,
            storm: None,
            paging: false,
            reason: None,
            by: None,
            run: None,
            silence: None,
        }
    }

    fn request_facts(&self, id: PageId, subject: Subject) -> Facts {
        let closed = self.closed_pages.get(&id);
        let reason = self.pages.get(&id).map(|page| &page.reason).or(closed.map(|page| &page.reason));
        let title = match reason {
            Some(PageReason::Asked(reason)) => reason.to_string(),
            _ => id.to_string(),
        };
        // That nobody answered does not make it over: it can still be taken.
        let standing = closed.map_or(Standing::Open, ClosedPage::standing);
        Facts {
            subject,
            summary: title.clone(),
            title,
            severity: None,
            urgency: Urgency::Urgent,
            standing,
            incident: None,
            group: None,
            storm: None,
            paging: false,
            reason: None,
            by: None,
            run: None,
            silence: None,
        }
    }

    fn run_facts(&self, id: RunId, subject: Subject) -> Facts {
        let run = self.run(id);
        let title = run.map_or_else(|| id.to_string(), |run| run.plan.title.clone());
        let ended = run.and_then(|run| run.ended_at);
        Facts {
            subject,
            summary: title.clone(),
            title,
            severity: None,
            urgency: Urgency::Routine,
            standing: ended.map_or(Standing::Open, Standing::Resolved),
            incident: self.incident_line(run.and_then(|run| self.incident_of_run(run))),
            group: None,
            storm: None,
            paging: false,
            reason: None,
            by: None,
            run: run.cloned(),
            silence: None,
        }
    }

    fn announcement_facts(&self, incident: Option<IncidentId>, delivery: &Delivery) -> Facts {
        let said = delivery.said.as_ref().map(ToString::to_string).unwrap_or_default();
        Facts {
            subject: delivery.subject,
            title: said.clone(),
            summary: said,
            severity: None,
            urgency: Urgency::Routine,
            standing: Standing::Open,
            incident: self.incident_line(incident),
            group: None,
            storm: None,
            paging: false,
            reason: None,
            by: None,
            run: None,
            silence: None,
        }
    }

    fn silence_facts(&self, id: SilenceId, subject: Subject) -> Facts {
        let silence = self.silence(id);
        let title = silence.map_or_else(|| id.to_string(), |silence| silence.comment.to_string());
        Facts {
            subject,
            summary: title.clone(),
            title,
            severity: None,
            urgency: Urgency::Routine,
            standing: Standing::Open,
            incident: None,
            group: None,
            storm: None,
            paging: false,
            reason: None,
            by: None,
            run: None,
            silence: silence.cloned(),
        }
    }

    /// The incident that a run is about: the one it started for, or the one that its group belongs to by now.
    #[must_use]
    pub fn incident_of_run(&self, run: &Run) -> Option<IncidentId> {
        let group = run.plan.group;
        let open = || self.groups.get(&group?)?.incident;
        let closed = || self.closed_groups.get(&group?)?.incident;
        run.plan.incident.or_else(open).or_else(closed).map(|incident| self.goes_on_in(incident))
    }

    /// The runs that are about an incident and remembered, the last one first.
    pub fn runs_of_incident(&self, incident: IncidentId) -> impl Iterator<Item = &Arc<Run>> {
        let mut runs: Vec<&Arc<Run>> = self
            .runs
            .values()
            .chain(self.ended_runs.values())
            .filter(|run| self.incident_of_run(run) == Some(incident))
            .collect();
        runs.sort_by_key(|run| std::cmp::Reverse(run.id));
        runs.into_iter()
    }

    /// The newest open incident that is told in a channel: an old one of the same channel is over.
    #[must_use]
    pub fn incident_told_in(&self, channel: &ChannelName) -> Option<IncidentId> {
        let mut open = self.open_incidents.iter().rev().filter_map(|id| self.incidents.get(id));
        open.find(|incident| incident.is_told_in(channel)).map(|incident| incident.id)
    }

    pub(super) fn incident_line(&self, id: Option<IncidentId>) -> Option<IncidentFacts> {
        let incident = self.incidents.get(&id?)?;
        Some(IncidentFacts {
            id: incident.id,
            title: incident.title.to_string(),
            severity: incident.severity.clone(),
            status: incident.status,
            commander: incident.commander().map(ToString::to_string),
            change: None,
            offered: if incident.is_open() { incident.offered.clone() } else { Vec::new() },
            running: self
                .runs
                .values()
                .filter(|run| self.incident_of_run(run) == id)
                .take(IncidentFacts::MOST)
                .map(|run| (run.id, run.plan.title.clone()))
                .collect(),
            response: self.response_facts(incident),
            held: incident.held.is_some(),
        })
    }
}

fn alert_facts(alert: &Alert) -> AlertFacts {
    AlertFacts {
        id: alert.id,
        name: alert.name().to_owned(),
        labels: alert.labels.clone(),
        annotations: alert.annotations.clone(),
        starts_at: alert.starts_at,
        graph: alert.graph.clone(),
        source: alert.source.clone(),
    }
}

/// The summary annotation, or the name.
fn alert_line(alert: &AlertFacts) -> &str {
    alert.annotations.get("summary").filter(|summary| !summary.trim().is_empty()).unwrap_or(&alert.name)
}
