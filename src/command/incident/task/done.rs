//! `/incident task done`: it is done.

use super::{change, task_argument};
use crate::{
    command::{Answer, Call, spec::CommandSpec},
    domain::{id::TaskId, person::Role, response::ResponseIntent},
    text,
};

/// `/incident task done TASK`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/incident task done", "Says that a task is done.")
        .role(Role::Responder)
        .takes(task_argument())
        .example("/incident task done T-3")
}

/// Says it.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let task: TaskId = call.need("task")?;
    change(call, task, ResponseIntent::FinishTask(task), |_, task| text::task::done(task.id)).await
}
