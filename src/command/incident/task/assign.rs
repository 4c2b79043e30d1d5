//! `/incident task assign`: who does it.

use super::{change, task_argument};
use crate::{
    command::{
        Answer, Call,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{id::TaskId, person::Role, response::ResponseIntent},
    text,
};

/// `/incident task assign TASK PERSON|none`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/incident task assign", "Gives a task to somebody, who is told, or to nobody.")
        .role(Role::Responder)
        .takes(task_argument())
        .takes(Argument::required("person", Kind::PersonOrNone, "who does it from now on; none: nobody"))
        .example("/incident task assign T-3 chi")
        .example("/incident task assign T-3 none")
}

/// Gives it.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let task: TaskId = call.need("task")?;
    let what = ResponseIntent::AssignTask { task, to: call.get("person") };
    change(call, task, what, |_, task| text::task::assigned(task)).await
}
