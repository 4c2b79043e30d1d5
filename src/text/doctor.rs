//! What the doctor says of each thing that it looks at. Never an address, a token or a key: of an address its host.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    plain::{NAME, plain},
    scene::enumerate,
    when,
};

/// Its parts.
pub const ENGINE: &str = "engine";
/// See above.
pub const CONFIGURATION: &str = "configuration";
/// See above.
pub const JOURNAL: &str = "journal";
/// See above.
pub const VIEWS: &str = "views";
/// See above.
pub const DISK: &str = "disk of the data folder";
/// See above.
pub const HOSTS: &str = "other hosts";
/// What the outgoing heartbeat is called.
pub const ALIVE: &str = "the outgoing heartbeat";
/// Ways to people.
pub const MAIL: &str = "Mail";
/// See above.
pub const PAGERDUTY: &str = "PagerDuty";
/// Nothing is wrong with the files.
pub const NO_MISTAKES: &str = "no mistakes";
/// The files were changed.
pub const NOT_IN_FORCE: &str = "the files say something else than what is in force";
/// What to do then.
pub const RELOAD: &str = "/watchbell reload takes them over";
/// Where all mistakes are seen.
pub const CHECK: &str = "watchbell check shows each with its place";
/// Where it is said.
pub const SEE_THE_LOG: &str = "the server's log says more";
/// How damage is looked at.
pub const VERIFY: &str = "watchbell journal verify says where; put the segment back from a backup";
/// What helps a full disk.
pub const MAKE_ROOM: &str = "make room on that disk";
/// Somebody is always there.
pub const NO_GAPS: &str = "somebody is on call for the next 7 days";
/// What fills a gap.
pub const FILL: &str = "/oncall override fills an hour, a layer in oncall.toml all of them";
/// What a token needs that ends.
pub const NEW_TOKEN: &str = "make a new one in [api] tokens, then /watchbell reload";

/// A platform asks for a pause.
#[must_use]
pub fn pause(seconds: u64) -> String {
    format!("asks for a pause of {seconds} s")
}
/// How long the journal is.
#[must_use]
pub fn events(count: u64) -> String {
    format!("{count} events")
}
/// How far the views are behind.
#[must_use]
pub fn behind(events: u64) -> String {
    if events == 0 { "complete".to_owned() } else { format!("{events} events behind") }
}
/// How far they are.
#[must_use]
pub fn rebuilding(done: u64, of: u64) -> String {
    format!("being built from the journal, {done} of {of}; pages go on")
}
/// How much room there is.
#[must_use]
pub fn free(megabytes: u64) -> String {
    format!("{megabytes} MB free")
}
/// A schedule.
#[must_use]
pub fn schedule(name: &str) -> String {
    format!("schedule {}", plain(name, NAME))
}
/// When nobody is on call.
#[must_use]
pub fn gaps(count: usize, since: Timestamp, until: Timestamp, zone: &TimeZone) -> String {
    let (since, until) = (when::at(since, zone), when::at(until, zone));
    let more =
        if count > 1 { format!(", and {} times more within 7 days", count - 1) } else { String::new() };
    format!("nobody is on call from {since} until {until}{more}")
}
/// A token of the API.
#[must_use]
pub fn token(person: &str, name: Option<&str>) -> String {
    let name = name.map(|name| format!(" ({})", plain(name, NAME))).unwrap_or_default();
    format!("API token of {}{name}", plain(person, NAME))
}
/// When it ends.
#[must_use]
pub fn ends(until: Timestamp, now: Timestamp) -> String {
    let day = when::at(until, &TimeZone::UTC);
    if until <= now { format!("is good no more since {day}") } else { format!("is good until {day}") }
}
/// Somebody's contact.
#[must_use]
pub fn contact(person: &str, contact: &str) -> String {
    format!("{} of {}", plain(contact, NAME), plain(person, NAME))
}
/// What runbooks talk to.
#[must_use]
pub fn service(environment: &str, service: &str) -> String {
    format!("{} of {}", plain(service, NAME), plain(environment, NAME))
}
/// A host and its port.
#[must_use]
pub fn host(host: &str, port: u16) -> String {
    format!("{} port {port}", plain(host, NAME))
}
/// It takes no connection, and who leads there.
#[must_use]
pub fn unreachable(why: &str, of: &[String]) -> String {
    let (first, rest) = of.split_at(of.len().min(5));
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
    format!("{why}; it is where {}{more} leads", enumerate(first))
}
/// Nothing came back.
#[must_use]
pub fn no_answer(seconds: u64) -> String {
    format!("takes no connection within {seconds} s")
}
/// Hosts that were not tried.
#[must_use]
pub fn left_out(count: usize) -> String {
    format!("{count} were not tried")
}
