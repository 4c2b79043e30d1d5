//! `/incident task drop`: nobody needs it any more.

use super::{change, task_argument};
use crate::{
    command::{Answer, Call, spec::CommandSpec},
    domain::{id::TaskId, person::Role, response::ResponseIntent},
    text,
};

/// `/incident task drop TASK`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/incident task drop", "Says that nobody needs a task any more.")
        .role(Role::Responder)
        .takes(task_argument())
        .example("/incident task drop T-3")
}

/// Says it.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let task: TaskId = call.need("task")?;
    change(call, task, ResponseIntent::DropTask(task), |_, task| text::task::dropped(task.id)).await
}
