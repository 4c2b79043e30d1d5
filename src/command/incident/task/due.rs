//! `/incident task due`: until when.

use jiff::Timestamp;

use super::{change, task_argument};
use crate::{
    command::{
        Answer, Call,
        spec::{Argument, CommandSpec, Flag, Kind},
    },
    domain::{id::TaskId, person::Role, response::ResponseIntent},
    text,
};

/// `/incident task due TASK [UNTIL|DURATION] [--none]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/incident task due", "Says until when a task is to be done.")
        .role(Role::Responder)
        .takes(task_argument())
        .takes(Argument::optional("due", Kind::Until, "until when, or how long from now"))
        .flag(Flag::switch("none", "at no certain time"))
        .example("/incident task due T-3 tomorrow 09:00")
        .example("/incident task due T-3 --none")
}

/// Says it.
///
/// # Errors
/// When neither a time nor `--none` was given; the refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let task: TaskId = call.need("task")?;
    let due: Option<Timestamp> = if call.has("none") { None } else { Some(call.need("due")?) };
    change(call, task, ResponseIntent::SetDue { task, due }, text::task::due).await
}
