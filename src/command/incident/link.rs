//! `/incident link`: something elsewhere, or another incident, that has to do with it.

use super::{Among, respond, which, which_argument};
use crate::{
    command::{
        Answer, Call, Reply,
        spec::{Argument, CommandSpec, Kind},
    },
    domain::{
        id::IncidentId,
        intent::Refusal,
        person::Role,
        response::{ResponseIntent, ResponseRefusal, address},
    },
    text::{self, refusal},
};

/// `/incident link [INCIDENT] LINK [TITLE…]`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/incident link", "Adds a web address to an incident, or relates two incidents.")
        .role(Role::Responder)
        .takes(which_argument())
        .takes(Argument::required("link", Kind::Word, "a web address without secrets, or an incident"))
        .takes(Argument::optional("title", Kind::Text, "what the address is called"))
        .example("/incident link INC-7 https://example.com/dashboard the dashboard")
        .example("/incident link INC-7 INC-9")
}

/// Adds it.
///
/// # Errors
/// The refusal in words.
pub async fn run(call: &Call<'_>) -> Answer {
    let link: String = call.need("link")?;
    let incident = which(call, Among::Open).await?;
    if let Some(other) = other_incident(&link) {
        let what = ResponseIntent::Relate { incident, other };
        return respond(call, incident, what, move |scene, it, events| {
            text::incident::changed(scene, it, &text::response::related(incident, other), events)
        })
        .await;
    }
    let url = match address(&link) {
        Ok(url) => call.prose(&url),
        Err(why) => {
            let no = Refusal::Response(ResponseRefusal::Address(why));
            return Err(Reply::refused(refusal::card(&no, &call.caller.zone)).into());
        }
    };
    let what = ResponseIntent::Link { incident, url, title: call.words("title") };
    respond(call, incident, what, |scene, it, events| {
        let mut card = text::incident::changed(scene, it, &text::response::linked(it), events);
        card.links = text::response::links(it);
        card
    })
    .await
}

/// `INC-9`; a bare number is no incident here.
fn other_incident(link: &str) -> Option<IncidentId> {
    link.contains('-').then(|| link.parse().ok()).flatten()
}
