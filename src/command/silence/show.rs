//! `/silence show`: one silence or maintenance, and what is quiet by it. Never changes anything.

use crate::{
    command::{
        Answer, Call, Reply,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{
        id::SilenceId,
        intent::Refusal,
        quiet::{QuietRefusal, SilenceKind},
    },
    text::{quiet, refusal},
};

/// `/silence show SILENCE`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/silence show", "Shows a silence or a maintenance, and what is quiet by it.")
        .takes(Argument::required("silence", Kind::Silence, "which silence"))
        .example("/silence show S-3")
}

/// Shows it.
///
/// # Errors
/// When there is none, or it is long over.
pub async fn run(call: &Call<'_>) -> Answer {
    let id: SilenceId = call.need("silence")?;
    let card = call.scene(move |scene| Some(quiet::show(scene, scene.state.silence(id)?))).await?;
    let unknown = || {
        let no = Refusal::Quiet(QuietRefusal::Unknown(SilenceKind::Silence, id));
        Reply::refused(refusal::card(&no, &call.caller.zone))
    };
    Ok(Reply::done(card.ok_or_else(unknown)?))
}
