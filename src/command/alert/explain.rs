//! `/alert explain`: why an alert went where it went, who was paged and how, and why nobody else. Never changes anything.

use crate::{
    command::{
        Answer, Call, Reply, Undone,
        explained::{self, Explained, Unexplained},
        spec::{Argument, CommandSpec, Kind},
    },
    domain::page::Target,
    text,
};

/// `/alert explain ALERT|GROUP`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new(
        "/alert explain",
        "Tells why an alert went where it went: routes, group, who was on call and why, each message and its receipt.",
    )
    .takes(Argument::required("alert", Kind::Target, "which alert, or which group by its first alert"))
    .example("/alert explain A-5")
    .example("/alert explain G-17")
}

/// Tells it.
///
/// # Errors
/// When there never was such an alert, or the views do not answer.
pub async fn run(call: &Call<'_>) -> Answer {
    let target: Target = call.need("alert")?;
    let what = match target {
        Target::Alert(id) => Explained::Alert(id),
        Target::Group(id) => Explained::Group(id),
        Target::Incident(_) | Target::Page(_) => {
            return Err(Reply::refused(text::explain::alerts_only(target)).into());
        }
    };
    let told = match explained::explain(&call.desk.engine, &call.desk.views, what).await {
        Ok(told) => told,
        Err(Unexplained::Engine(rejected)) => return Err(Undone::NotTaken(rejected)),
        Err(Unexplained::Views(down)) => return Err(Call::views_down(down).into()),
    };
    let Some(told) = told else { return Err(Reply::refused(super::missing(call, target).await?).into()) };
    Ok(Reply::done(text::explain::card(&told, &call.caller.zone)))
}
