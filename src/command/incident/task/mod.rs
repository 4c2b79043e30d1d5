//! `/incident task …`: what is to be done for an incident, one file per command. Never decides what a task may be; the
//! engine does.

pub(in crate::command) mod add;
pub(in crate::command) mod assign;
pub(in crate::command) mod done;
pub(in crate::command) mod drop;
pub(in crate::command) mod due;
pub(in crate::command) mod list;
pub(in crate::command) mod reopen;

use crate::{
    command::{
        Answer, Call,
        spec::{Argument, Kind},
    },
    domain::{
        event::Event,
        id::TaskId,
        intent::Intent,
        response::{ResponseEvent, ResponseIntent, Task},
    },
    text::{self, scene::Scene},
};

/// The argument that names a task.
fn task_argument() -> Argument {
    Argument::required("task", Kind::Task, "which task")
}

/// Does something to a task and says what it is now.
async fn change(
    call: &Call<'_>,
    id: TaskId,
    what: ResponseIntent,
    say: impl FnOnce(&Scene<'_>, &Task) -> String + Send + 'static,
) -> Answer {
    let by = call.caller.actor.clone();
    call.submit(Intent::Response { what, by }).await?;
    let plain = text::reply::kept(format!("{id} is changed."));
    let say = move |scene: &Scene<'_>| {
        let task = scene.state.tasks.get(&id)?;
        Some(text::task::changed(scene, task, &say(scene, task)))
    };
    Ok(call.done(plain, say).await)
}

/// The task that was added by these events.
fn added(events: &[Event]) -> Option<TaskId> {
    events.iter().find_map(|event| match event {
        Event::Response(event) => match &**event {
            ResponseEvent::TaskAdded(added) => Some(added.task),
            _ => None,
        },
        _ => None,
    })
}
