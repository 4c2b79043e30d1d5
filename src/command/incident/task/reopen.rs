//! `/incident task reopen`: it is to be done after all.

use super::{change, task_argument};
use crate::{
    command::{Answer, Call, spec::CommandSpec},
    domain::{id::TaskId, person::Role, response::ResponseIntent},
    text,
};

/// `/incident task reopen TASK`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/incident task reopen", "Opens a task again that was done or dropped.")
        .role(Role::Responder)
        .takes(task_argument())
        .example("/incident task reopen T-3")
}

/// Says it.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let task: TaskId = call.need("task")?;
    change(call, task, ResponseIntent::ReopenTask(task), |_, task| text::task::reopened(task.id)).await
}
