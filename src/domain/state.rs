//! What is true now: derived from the journal by `apply`, which never fails and never decides. Nothing here is
//! iterated in hash order, and cloning is cheap enough to take a snapshot beside the running engine.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    alert::Alert,
    delivery::{Channel, Delivery, Posted},
    deployment::Deployments,
    elsewhere::Elsewhere,
    event::{Actor, TraceId},
    group::{ClosedGroup, Group},
    id::{
        AlertId, AlertKey, AnnouncementId, ChannelName, DeliveryId, GroupId, GroupKey, IncidentId, LockName,
        OverrideId, PageId, RunId, ScheduleId, Seq, SilenceId, StormId, TaskId,
    },
    incident::Incident,
    link::Links,
    page::{ClosedPage, Page, Subject},
    quiet::Quiet,
    response::Task,
    room::Origin,
    run::{Answers, DueLately, Lock, Run, RunDue, RunMissed},
    schedule::Override,
    storm::Storm,
    upkeep::{Damaged, Refusals},
};

/// Everything that decisions depend on beside the configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The last event that is part of it.
    pub seq: Seq,
    /// Engine time of that event.
    pub clock: Timestamp,
    /// Names this journal, at random: what was sent from another one can have no key of this one.
    pub instance: String,
    /// Alerts that fire.
    pub alerts: BTreeMap<AlertId, Arc<Alert>>,
    /// Where an alert is found by its dedupe key.
    pub alert_keys: BTreeMap<AlertKey, AlertId>,
    /// Alerts that ended a moment ago: a late duplicate must not fire them again.
    pub ended: BTreeMap<AlertKey, Ended>,
    /// The order in which `ended` is forgotten; a key whose instant differs has ended again since.
    pub ended_order: VecDeque<(AlertKey, Timestamp)>,
    /// Groups that are open.
    pub groups: BTreeMap<GroupId, Arc<Group>>,
    /// Where an open group is found by its key.
    pub group_keys: BTreeMap<GroupKey, GroupId>,
    /// The last groups that closed.
    pub closed_groups: BTreeMap<GroupId, ClosedGroup>,
    /// The order in which they closed and are forgotten.
    pub closed_groups_order: VecDeque<GroupId>,
    /// Incidents that are open.
    pub open_incidents: BTreeSet<IncidentId>,
    /// All incidents.
    pub incidents: BTreeMap<IncidentId, Arc<Incident>>,
    /// Tasks of all incidents: at most [`TASKS`](super::response::TASKS) each.
    #[serde(default)]
    pub tasks: BTreeMap<TaskId, Arc<Task>>,
    /// Pages that run.
    pub pages: BTreeMap<PageId, Arc<Page>>,
    /// The last pages by request that ended.
    pub closed_pages: BTreeMap<PageId, ClosedPage>,
    /// The order in which they ended and are forgotten.
    pub closed_pages_order: VecDeque<PageId>,
    /// The outbox: deliveries that are not finished.
    pub deliveries: BTreeMap<DeliveryId, Arc<Delivery>>,
    /// Pages that stand in other teams' pagers.
    #[serde(default)]
    pub elsewhere: Elsewhere,
    /// Cards that stand in chat rooms.
    #[serde(default)]
    pub posted: BTreeMap<CardOf, Vec<Posted>>,
    /// When the last groups got a card of their own, by channel (engine time): at most
    /// [`CARDS`](super::storm::CARDS) instants each.
    #[serde(default)]
    pub new_cards: BTreeMap<ChannelName, VecDeque<Timestamp>>,
    /// Storms: those that rage, and the last ones that are over.
    #[serde(default)]
    pub storms: BTreeMap<StormId, Arc<Storm>>,
    /// The last storm that began.
    #[serde(default)]
    pub last_storm: StormId,
    /// Which storm rages in a channel.
    #[serde(default)]
    pub raging: BTreeMap<ChannelName, StormId>,
    /// What was done on chat platforms a while ago, and when it was taken (engine time).
    #[serde(default)]
    pub taken: BTreeMap<Origin, Timestamp>,
    /// The order in which `taken` is forgotten.
    #[serde(default)]
    pub taken_order: VecDeque<Origin>,
    /// Messages that are part of a timeline, so that a later change is noted.
    #[serde(default)]
    pub captured: BTreeMap<(Channel, String), IncidentId>,
    /// The order in which `captured` is forgotten.
    #[serde(default)]
    pub captured_order: VecDeque<(Channel, String)>,
    /// Accounts that were tied to people.
    #[serde(default)]
    pub links: Links,
    /// Overrides to come, in force, and over for less than [`HORIZON`](super::schedule::HORIZON): that far back a shift is followed.
    pub overrides: BTreeMap<OverrideId, Override>,
    /// Overrides that came together and go together, each with the other one.
    #[serde(default)]
    pub swaps: BTreeMap<OverrideId, OverrideId>,
    /// The last overrides that were taken back, by whom and when (civil time).
    #[serde(default)]
    pub taken_back: VecDeque<(OverrideId, Actor, Timestamp)>,
    /// Runs that are not over.
    #[serde(default)]
    pub runs: BTreeMap<RunId, Arc<Run>>,
    /// The last runs that ended; what their steps said is in the journal.
    #[serde(default)]
    pub ended_runs: BTreeMap<RunId, Arc<Run>>,
    /// The order in which they ended and are forgotten.
    #[serde(default)]
    pub ended_runs_order: VecDeque<RunId>,
    /// The last runs that should have started and did not.
    #[serde(default)]
    pub missed_runs: VecDeque<MissedRun>,
    /// The number of the last run; 0: there was none.
    #[serde(default)]
    pub last_run: RunId,
    /// What runs hold.
    #[serde(default)]
    pub locks: BTreeMap<LockName, Lock>,
    /// How often runbooks have answered by themselves, by their commands.
    #[serde(default)]
    pub answers: BTreeMap<String, Answers>,
    /// The last deployments.
    #[serde(default)]
    pub deployments: Deployments,
    /// Runbooks that are to start for groups, in the order in which it is their turn.
    #[serde(default)]
    pub due_runs: VecDeque<RunDue>,
    /// When alerts last had runbooks start, by their commands, as far back as that counts.
    #[serde(default)]
    pub due_lately: BTreeMap<String, DueLately>,
    /// What keeps alerts quiet.
    #[serde(default)]
    pub quiet: Quiet,
    /// Damage of the journal that the admins were told of.
    #[serde(default)]
    pub damage: BTreeSet<Damaged>,
    /// Who was lately refused what only admins may.
    #[serde(default)]
    pub refusals: BTreeMap<Actor, Refusals>,
    /// Folders to which segments of the journal were archived, the newest last.
    #[serde(default)]
    pub archives: Vec<String>,
    /// Everything that will be due, in order (engine time).
    pub timers: BTreeSet<(Timestamp, Timer)>,
    /// The next numbers.
    pub next: Next,
}

/// Whose card stands in a chat room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardOf {
    /// A group's.
    Group(GroupId),
    /// An incident's.
    Incident(IncidentId),
    /// A storm's.
    Storm(StormId),
    /// A run's, which streams.
    Run(RunId),
}

impl CardOf {
    /// The card of what a message is about, when it has one.
    #[must_use]
    pub fn subject(subject: Subject) -> Option<Self> {
        match subject {
            Subject::Group(group, _) => Some(Self::Group(group)),
            Subject::Incident(incident) => Some(Self::Incident(incident)),
            Subject::Storm(storm) => Some(Self::Storm(storm)),
            Subject::Run(run) => Some(Self::Run(run)),
            Subject::Request(_) | Subject::Announcement(..) | Subject::Silence(_) => None,
        }
    }
}

/// A run that should have started and did not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissedRun {
    /// What and why.
    pub missed: RunMissed,
    /// When that was noted (civil time).
    pub at: Timestamp,
}

/// An alert that ended a moment ago.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When it had started, as its source said.
    pub starts_at: Timestamp,
    /// When the end was recorded (engine time).
    pub at: Timestamp,
}

/// The number that the next thing of each kind gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    /// Alerts.
    pub alert: AlertId,
    /// Groups.
    pub group: GroupId,
    /// Incidents.
    pub incident: IncidentId,
    /// Pages.
    pub page: PageId,
    /// Deliveries.
    pub delivery: DeliveryId,
    /// Overrides.
    pub overriding: OverrideId,
    /// Announcements.
    #[serde(default)]
    pub announcement: AnnouncementId,
    /// Tasks.
    #[serde(default)]
    pub task: TaskId,
}

impl Default for Next {
    fn default() -> Self {
        Self {
            alert: AlertId(1),
            group: GroupId(1),
            incident: IncidentId(1),
            page: PageId(1),
            delivery: DeliveryId(1),
            overriding: OverrideId(1),
            announcement: AnnouncementId(1),
            task: TaskId(1),
        }
    }
}

/// What is due at an instant. When several are due at the same instant, the smaller goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timer {
    /// A group that is quiet is looked at again: before the waits of others, so that what is heard at one instant is one
    /// flood.
    GroupQuiet(GroupId),
    /// The wait of a new group is over.
    GroupWait(GroupId),
    /// A contact method of somebody who was paged; before the step that would end or repeat the page.
    PageTry(PageId),
    /// The next step of a page.
    PageStep(PageId),
    /// A group is not resolved for too long.
    GroupUnresolved(GroupId),
    /// An incident is not resolved for too long.
    IncidentUnresolved(IncidentId),
    /// An incident is not acknowledged in time.
    AcknowledgeLate(IncidentId),
    /// A status update is late.
    UpdateLate(IncidentId),
    /// A card that changed is posted again.
    Card(GroupId),
    /// The rooms of an incident that is over are closed.
    RoomsClose(IncidentId),
    /// The card of a storm is posted again.
    StormCard(StormId),
    /// A storm is over unless more groups come.
    StormCalm(StormId),
    /// Nobody has answered what a run asks.
    RunAsk(RunId),
    /// Nobody has said whether an automatic answer helped.
    RunJudge(RunId),
    /// The card of a run that changed is edited.
    RunCard(RunId),
    /// A snooze is over.
    GroupSnooze(GroupId),
    /// A group that still fires is told again.
    GroupRepeat(GroupId),
    /// A silence or a maintenance begins or is over.
    Silence(SilenceId),
    /// A task is overdue.
    TaskDue(TaskId),
    /// The card of an incident that changed is edited.
    IncidentCard(IncidentId),
}

/// The instant and the cause of an event, for `apply`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Position in the journal.
    pub seq: Seq,
    /// Civil time.
    pub at: Timestamp,
    /// Engine time.
    pub clock: Timestamp,
    /// The intent behind it.
    pub trace: TraceId,
}

impl State {
    /// When something is due next (engine time).
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// The overrides of one schedule, in the order in which they were added.
    #[must_use]
    pub fn overrides_of(&self, schedule: &ScheduleId) -> Vec<Override> {
        self.overrides.values().filter(|entry| entry.schedule == *schedule).cloned().collect()
    }
}
