//! `/deployment show`: one deployment in full, as its source told it.

use crate::{
    command::{
        Answer, Call, Reply,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::id::DeploymentId,
    text,
};

/// `/deployment show DEPLOYMENT`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/deployment show", "Shows a deployment: what, where, by whom, how it went.")
        .takes(Argument::required("deployment", Kind::Deployment, "which deployment"))
        .example("/deployment show DEP-7")
}

/// Shows it.
///
/// # Errors
/// When there is none of this id.
pub async fn run(call: &Call<'_>) -> Answer {
    let id: DeploymentId = call.need("deployment")?;
    let found = call.scene(move |scene| {
        let deployment = scene.state.deployments.kept.get(&id)?;
        Some(text::deployment::card(scene, deployment))
    });
    found.await?.map(Reply::done).ok_or_else(|| Reply::refused(text::deployment::unknown(id)).into())
}
