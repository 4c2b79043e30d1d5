//! `/deployment before`: what was deployed before an incident began. Never says that it is the cause.

use jiff::SignedDuration;

use crate::{
    command::{
        Answer, Call,
        incident::{Among, seen, which, which_argument},
        spec::{CommandSpec, Flag, Kind},
    },
    domain::deployment::SUSPECT,
    text,
};

/// `/deployment before [INCIDENT] [--within WITHIN]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new(
        "/deployment before",
        "Shows what was deployed before an incident began, the nearest first.",
    )
    .takes(which_argument())
    .flag(Flag::valued("within", Kind::Duration, "how long before").or(text::deployment::usually()))
    .example("/deployment before INC-7")
    .example("/deployment before INC-7 --within 1d")
}

/// Shows it.
///
/// # Errors
/// When there is no such incident, or several are open and none was named.
pub async fn run(call: &Call<'_>) -> Answer {
    let id = which(call, Among::Open).await?;
    let within: SignedDuration = call.get("within").unwrap_or(SUSPECT);
    seen(call, id, move |scene, it| text::deployment::before(scene, it, within)).await
}
