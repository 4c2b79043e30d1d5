//! `/status`: what goes on right now, on one card. Never everything: what does not fit is counted and says where it is.

use crate::{
    command::{Answer, Call, Reply, spec::CommandSpec},
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
    let card = call.scene(status::card).await?;
    Ok(Reply::done(status::with_views(card, views)))
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
