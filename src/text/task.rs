//! Words about tasks: one in a line, the list of an incident, and what is said when one changed or is overdue. Never
//! decides whether one is late; that is known from its due time.

use jiff::Timestamp;

use super::{
    card::{Button, Card, Field, Tone},
    control::{asking, terminal},
    plain::{NAME, plain},
    scene::{Scene, button, field},
    usage::short,
    when,
};
use crate::domain::{
    id::{IncidentId, TaskId},
    incident::Incident,
    response::{Task, TaskState},
};

/// How many tasks get a button.
const BUTTONS: usize = 5;
/// How many tasks a card names; the others are counted.
const MOST: usize = 5;
/// The longest label of a button, in characters.
const LABEL: usize = 40;

/// `T-3 restore the backup (ben, due 14:05 CET)`; `at` says an instant.
#[must_use]
pub fn line(task: &Task, at: impl Fn(Timestamp) -> String) -> String {
    let owner = task.owner.as_ref().map_or_else(|| "nobody".to_owned(), |owner| plain(owner.as_str(), NAME));
    let due = task.due.map(|due| format!(", due {}", at(due))).unwrap_or_default();
    format!("{} {} ({owner}{due})", task.id, plain(task.text.as_str(), NAME))
}

/// Tasks that are open, in one field: the first few, and how many there are.
#[must_use]
pub fn in_short(tasks: &[Task], open: usize, at: impl Fn(Timestamp) -> String) -> Option<String> {
    if open == 0 {
        return None;
    }
    let mut lines: Vec<String> = tasks.iter().take(MOST).map(|task| line(task, &at)).collect();
    let more = open.saturating_sub(lines.len());
    if more > 0 {
        lines.push(format!("{more} more"));
    }
    Some(format!("{open} open: {}", lines.join("; ")))
}

/// The button that says that a task is done.
#[must_use]
pub fn done_button(task: &Task) -> Button {
    let label = format!("Done: {}", plain(&format!("{} {}", task.id, task.text), LABEL));
    button(label, format!("/incident task done {}", task.id))
}

/// The tasks of an incident, those that are open first.
#[must_use]
pub fn list(scene: &Scene<'_>, incident: &Incident) -> Card {
    let tasks = scene.state.tasks_of(incident);
    let open = tasks.iter().filter(|task| task.is_open());
    let count = open.clone().count();
    let mut buttons: Vec<Button> = open.take(BUTTONS).map(|task| done_button(task)).collect();
    buttons.push(button("Add…", asking("/incident task add", incident.id)));
    if tasks.is_empty() {
        let title = format!("{} has no tasks.", incident.id);
        return Card { title, tone: Tone::Good, buttons, ..Card::default() };
    }
    let head = ["id", "what", "owner", "due", "state"].map(str::to_owned).to_vec();
    let row = |task: &&Task| {
        let due = task.due.map(|due| scene.near(scene.civil(due))).unwrap_or_default();
        let late = task.is_open() && task.due.is_some_and(|due| due <= scene.now.engine);
        vec![
            task.id.to_string(),
            short(task.text.as_str()),
            task.owner.as_ref().map_or_else(|| "nobody".to_owned(), ToString::to_string),
            due,
            if late { "overdue".to_owned() } else { stands(&task.state).to_owned() },
        ]
    };
    Card {
        title: format!("{} has {count} open {} of {}", incident.id, noun(count), tasks.len()),
        tone: if count > 0 { Tone::Plain } else { Tone::Good },
        table: std::iter::once(head).chain(tasks.iter().map(row)).collect(),
        buttons,
        whole: terminal(&format!("/incident task list {}", incident.id)),
        ..Card::default()
    }
}

fn noun(count: usize) -> &'static str {
    if count == 1 { "task" } else { "tasks" }
}

fn stands(state: &TaskState) -> &'static str {
    match state {
        TaskState::Open => "open",
        TaskState::Done(..) => "done",
        TaskState::Dropped(..) => "dropped",
    }
}

/// One changed: `what` is said of it.
#[must_use]
pub fn changed(scene: &Scene<'_>, task: &Task, what: &str) -> Card {
    let mut fields = vec![field("Incident", task.incident.to_string())];
    fields.push(field(
        "Owner",
        task.owner.as_ref().map_or_else(|| "nobody".to_owned(), |one| scene.person(one)),
    ));
    fields.extend(task.due.map(|due| field("Due", scene.near(scene.civil(due)))));
    let (id, list) = (task.id, button("Tasks", format!("/incident task list {}", task.incident)));
    let buttons = if task.is_open() {
        vec![
            done_button(task),
            button("Give to…", asking("/incident task assign", id)),
            button("Due…", asking("/incident task due", id)),
            list,
        ]
    } else {
        vec![button("Reopen", format!("/incident task reopen {id}")), list]
    };
    Card {
        title: what.to_owned(),
        tone: Tone::Good,
        text: plain(task.text.as_str(), NAME),
        fields,
        buttons,
        ..Card::default()
    }
}

/// It was written down.
#[must_use]
pub fn added(task: TaskId, incident: IncidentId) -> String {
    format!("{task} is a task of {incident} now.")
}

/// It is done.
#[must_use]
pub fn done(task: TaskId) -> String {
    format!("{task} is done.")
}

/// Nobody needs it any more.
#[must_use]
pub fn dropped(task: TaskId) -> String {
    format!("{task} is dropped: nobody is reminded of it any more.")
}

/// It is to be done after all.
#[must_use]
pub fn reopened(task: TaskId) -> String {
    format!("{task} is open again.")
}

/// Somebody else does it.
#[must_use]
pub fn assigned(task: &Task) -> String {
    match &task.owner {
        Some(owner) => format!("{} is {owner}'s now.", task.id),
        None => format!("{} is nobody's now.", task.id),
    }
}

/// It is due at another time.
#[must_use]
pub fn due(scene: &Scene<'_>, task: &Task) -> String {
    match task.due {
        Some(due) => format!("{} is due {} now.", task.id, scene.near(scene.civil(due))),
        None => format!("{} is due at no certain time now.", task.id),
    }
}

/// A field with the open tasks of an incident.
#[must_use]
pub fn field_of(scene: &Scene<'_>, incident: &Incident) -> Option<Field> {
    let (tasks, open) = scene.state.next_tasks(incident, MOST);
    let short = in_short(&tasks, open, |due| scene.near(scene.civil(due)));
    short.map(|short| field("Tasks", short))
}

/// How long it took from being written down, for a postmortem.
#[must_use]
pub fn ended(task: &Task) -> Option<String> {
    match &task.state {
        TaskState::Open => None,
        TaskState::Done(by, at) => Some(format!("done by {by} after {}", when::since(task.at, *at))),
        TaskState::Dropped(by, _) => Some(format!("dropped by {by}")),
    }
}
