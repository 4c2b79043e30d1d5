//! `/deployment list`: the last deployments. Never asks the source: what it told is all that is known.

use crate::{
    command::{
        Answer, Call, Reply,
        spec::{CommandSpec, Flag, Kind},
    },
    text::{self, deployment::Wanted},
};

/// `/deployment list [--service SERVICE] [--environment ENVIRONMENT] [--since SINCE] [--limit N]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/deployment list", "Lists what GitHub and GitLab said was deployed, the newest first.")
        .flag(Flag::valued("service", Kind::Word, "only this service"))
        .flag(Flag::valued("environment", Kind::Word, "only this environment"))
        .flag(Flag::valued("since", Kind::Duration, "not longer ago than this"))
        .flag(Flag::valued("limit", Kind::Number(1, 200), "how many at most").or("25"))
        .example("/deployment list")
        .example("/deployment list --service qflow --environment production --since 7d")
}

/// Lists them.
///
/// # Errors
/// When the engine does not answer.
pub async fn run(call: &Call<'_>) -> Answer {
    let wanted = Wanted {
        service: call.get("service"),
        environment: call.get("environment"),
        since: call.get("since"),
    };
    let limit = call.limit();
    Ok(Reply::done(call.scene(move |scene| text::deployment::list(scene, &wanted, limit)).await?))
}
