//! `/incident show`: one incident in full.

use super::{Among, seen, which, which_argument};
use crate::{
    command::{Answer, Call, spec::CommandSpec},
    text,
};

/// `/incident show [INCIDENT]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new(
        "/incident show",
        "Shows an incident: who has it, whom it pages, its alerts, what is due.",
    )
    .takes(which_argument())
    .example("/incident show INC-7")
}

/// Shows it.
///
/// # Errors
/// When there is none, or several are open and none was named.
pub async fn run(call: &Call<'_>) -> Answer {
    let id = which(call, Among::Open).await?;
    seen(call, id, text::incident::card).await
}
