//! How a platform's connection stands, and since when. Never says why with a secret.

use tokio::time::Instant;

use super::port::Link;
use crate::{domain::delivery::Channel, text};

/// How a platform's connection stands.
pub(super) struct Standing {
    pub link: Link,
    pub since: Instant,
    /// Whether people have heard that it is away.
    pub told: bool,
}

/// Why a platform is away; none: it is there.
pub(super) fn why(link: &Link, channel: Channel) -> Option<String> {
    let platform = text::room::platform(channel);
    match link {
        Link::Up => None,
        Link::Down(why) => Some(text::chat::down(platform, why)),
        Link::Broken(remedy, why) => Some(text::chat::broken(platform, remedy, why)),
    }
}
