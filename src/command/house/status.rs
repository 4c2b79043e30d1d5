//! `/status`: what goes on right now, on one card. Never everything: what does not fit is counted and says where it is.

use jiff::SignedDuration;

use crate::{
    command::{Answer, Call, Reply, spec::CommandSpec},
    engine::ways::{Disturbed, Trouble, Ways},
    text::status,
    views::Status,
};

/// So many events behind the views are while nothing is wrong.
const BEHIND: u64 = 1_000;

/// `/status`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new("/status", "Says what goes on: incidents, alerts, pages, who is on call.")
        .example("/status")
}

/// Says it.
///
/// # Errors
/// When the engine does not answer.
pub async fn run(call: &Call<'_>) -> Answer {
    let views = standing(&call.desk.views.status());
    let troubles = troubles(call.desk.engine.ways());
    let card = call.scene(move |scene| status::with_troubles(status::card(scene), scene, &troubles)).await?;
    Ok(Reply::done(status::with_views(card, views)))
}

/// Which ways out are disturbed, as people read it.
#[must_use]
pub fn troubles(ways: &Ways) -> Vec<status::Trouble> {
    let ago = |age| SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
    let said = |one: Trouble| status::Trouble {
        channel: one.channel,
        attempts: match one.what {
            Disturbed::Unheard => None,
            Disturbed::TakesNothing { attempts, last } => {
                Some((usize::try_from(attempts).unwrap_or(usize::MAX), ago(last)))
            }
        },
        since: ago(one.since),
        why: one.why,
    };
    ways.troubles().into_iter().map(said).collect()
}

/// How the views stand, when that is worth a word.
fn standing(views: &Status) -> Option<status::Views> {
    match views {
        Status::Ready { behind, .. } => (*behind > BEHIND).then_some(status::Views::Behind(*behind)),
        Status::Rebuilding { done, of } => Some(status::Views::Rebuilding(*done, *of)),
        Status::Broken { .. } => Some(status::Views::Broken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Seq;

    #[test]
    fn what_is_a_little_behind_is_well() {
        let ready = |behind| standing(&Status::Ready { applied: Seq(9), behind });
        assert_eq!(ready(BEHIND), None);
        assert_eq!(ready(BEHIND + 1), Some(status::Views::Behind(BEHIND + 1)));
        assert_eq!(standing(&Status::Broken { why: "the disk".to_owned() }), Some(status::Views::Broken));
    }
}
