//! `/incident task list`: the tasks of an incident.

use super::super::{Among, seen, which, which_argument};
use crate::{
    command::{Answer, Call, spec::CommandSpec},
    text,
};

/// `/incident task list [INCIDENT]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/incident task list", "Lists the tasks of an incident, those that are open first.")
        .takes(which_argument())
        .example("/incident task list INC-7")
}

/// Lists them.
///
/// # Errors
/// When there is no such incident, or several may be meant.
pub async fn run(call: &Call<'_>) -> Answer {
    let id = which(call, Among::Open).await?;
    seen(call, id, text::task::list).await
}
