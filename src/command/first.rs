//! Who was first: what is refused because it is so already says since when and by whom, as the timeline tells it. Never lets
//! anybody wait longer than a second for that: when the views are late the answer says less.

use std::time::Duration;

use jiff::Timestamp;

use super::Call;
use crate::{
    domain::{
        event::{Actor, Event, Record},
        id::{IncidentId, TaskId},
        incident::{Incident, IncidentRole, IncidentStatus},
        intent::{Already, Refusal},
        response::{ResponseEvent, ResponseRefusal, TaskChange, TaskState},
        state::State,
        timeline::Key,
    },
    text::{card::Card, refusal},
};

/// How long it is worth to wait for the timeline, and for what was just written to be on it.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many of the newest records are looked at.
const LOOKED_AT: usize = 500;

/// Who did it, and when (civil time).
type First = (Actor, Timestamp);

/// A refusal in words.
pub(super) async fn card(call: &Call<'_>, no: &Refusal) -> Card {
    let first = first(call, no).await;
    refusal::after(no, first.as_ref(), &call.caller.zone)
}

async fn first(call: &Call<'_>, no: &Refusal) -> Option<First> {
    let told_there = matches!(
        no,
        Refusal::Unchanged { .. }
            | Refusal::Response(
                ResponseRefusal::OwnedAlready { .. }
                    | ResponseRefusal::TaskIs { .. }
                    | ResponseRefusal::RelatedAlready(..)
            )
    );
    if !told_there {
        return None;
    }
    let wanted = no.clone();
    let (seq, keys) = call.read(move |look| (look.state.seq, keys(&wanted, look.state))).await.ok()?;
    let keys = keys?;
    let looks = async {
        call.desk.views.wait_for(seq, PATIENCE).await.ok()?;
        call.desk.views.latest(&keys, LOOKED_AT).await.ok()
    };
    let records = tokio::time::timeout(PATIENCE, looks).await.ok()??;
    found(no, &records)
}

/// Where it stands who was first, when only a timeline knows that: the incident's, and those of what was merged into it.
fn keys(no: &Refusal, state: &State) -> Option<Vec<Key>> {
    let of_task = |task: &TaskId| state.tasks.get(task).map(|task| task.incident);
    let id = match no {
        Refusal::Unchanged { incident, .. } => Some(*incident),
        Refusal::Response(
            ResponseRefusal::OwnedAlready { task, .. }
            | ResponseRefusal::TaskIs { task, state: TaskState::Open },
        ) => of_task(task),
        Refusal::Response(ResponseRefusal::RelatedAlready(one, _)) => Some(*one),
        _ => None,
    }?;
    let incident: &Incident = state.incidents.get(&id)?;
    Some([&id].into_iter().chain(&incident.response.merged).map(|id| Key::Incident(*id)).collect())
}

fn found(no: &Refusal, records: &[Record]) -> Option<First> {
    let last = |by: &dyn Fn(&Event) -> Option<Actor>| {
        records.iter().rev().find_map(|record| Some((by(&record.event)?, record.at)))
    };
    match no {
        Refusal::Unchanged { incident, value: Already::Status(status) } => {
            has_status(*incident, *status, records)
        }
        Refusal::Unchanged { incident, value } => last(&|event| gave(event, *incident, value))
            // It came with what was merged into it.
            .or_else(|| last(&|event| gave(event, role_of(event)?, value))),
        Refusal::Response(no) => last(&|event| responded(event, no)),
        _ => None,
    }
}

/// The incident in which somebody got a role, or gave it back.
fn role_of(event: &Event) -> Option<IncidentId> {
    if let Event::RoleAssigned { incident, .. } = event { Some(*incident) } else { None }
}

/// Who gave an incident what it has.
fn gave(event: &Event, id: IncidentId, value: &Already) -> Option<Actor> {
    match (event, value) {
        (Event::SeverityChanged { incident, to, by, .. }, Already::Severity(severity)) => {
            (*incident == id && to == severity).then(|| by.clone())
        }
        (Event::IncidentOpened(opened), Already::Severity(severity)) => {
            (opened.incident == id && opened.severity == *severity).then(|| opened.by.clone())
        }
        (Event::IncidentOpened(opened), Already::Group(group)) => {
            (opened.incident == id && opened.group == Some(*group)).then(|| opened.by.clone())
        }
        (Event::RoleAssigned { incident, role, to, by }, Already::Commander(person)) => {
            let same = (*incident, *role, to.as_ref()) == (id, IncidentRole::Commander, Some(person));
            same.then(|| by.clone())
        }
        (Event::RoleAssigned { incident, role, to, by }, Already::Role(given, person)) => {
            ((*incident, role, to) == (id, given, person)).then(|| by.clone())
        }
        _ => None,
    }
}

/// Since when an incident has its status, if its beginning is among the records. Words about it are no change.
fn has_status(id: IncidentId, wanted: IncidentStatus, records: &[Record]) -> Option<First> {
    let mut first = None;
    for record in records.iter().rev() {
        let (becomes, by, begins) = match &record.event {
            Event::StatusChanged { incident, status, by, .. } if *incident == id => (*status, by, false),
            Event::IncidentReopened { incident, by, .. } if *incident == id => {
                (IncidentStatus::Investigating, by, true)
            }
            Event::IncidentOpened(opened) if opened.incident == id => {
                (IncidentStatus::Investigating, &opened.by, true)
            }
            _ => continue,
        };
        if becomes != wanted {
            return first;
        }
        first = Some((by.clone(), record.at));
        if begins {
            return first;
        }
    }
    None
}

fn responded(event: &Event, no: &ResponseRefusal) -> Option<Actor> {
    let Event::Response(event) = event else { return None };
    match (&**event, no) {
        (ResponseEvent::TaskAdded(added), ResponseRefusal::OwnedAlready { task, owner }) => {
            (added.task == *task && added.owner == *owner).then(|| added.by.clone())
        }
        (
            ResponseEvent::TaskChanged { task, change: TaskChange::Owner(to), by, .. },
            ResponseRefusal::OwnedAlready { task: of, owner },
        ) => (task == of && to == owner).then(|| by.clone()),
        (ResponseEvent::TaskAdded(added), ResponseRefusal::TaskIs { task, .. }) => {
            (added.task == *task).then(|| added.by.clone())
        }
        (
            ResponseEvent::TaskChanged { task, change: TaskChange::Reopened, by, .. },
            ResponseRefusal::TaskIs { task: of, .. },
        ) => (task == of).then(|| by.clone()),
        (ResponseEvent::Related { incident, other, by }, ResponseRefusal::RelatedAlready(one, two)) => {
            let same = (incident, other) == (one, two) || (incident, other) == (two, one);
            same.then(|| by.clone())
        }
        _ => None,
    }
}
