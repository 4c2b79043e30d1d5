//! What the doctor looks at, from outside by `watchbell doctor` and from inside by `/watchbell doctor`: tokens, scopes,
//! clocks, addresses, reachability, journal, views, disk, gaps. Changes nothing, and tells nobody anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use tokio::{net::TcpStream, sync::watch};
use url::Url;

use super::{Platforms, reload::Rereads};
use crate::{
    chat::port::{Failure, Finding},
    command::Found,
    config::{Address, Settings},
    domain::{
        config::Config,
        delivery::Channel,
        id::ChannelName,
        oncall::{Lack, LackOf, lacks},
        page::PageTarget,
        schedule::Override,
    },
    engine::{Engine, clock::wall},
    journal::Reader,
    notify::{self, AddressBook, Limits},
    text::{chat::remedy, doctor as words, room::platform},
    views::{Status, Views},
};

/// How long a host has to take a connection.
const REACH: Duration = Duration::from_secs(3);
/// So many hosts are tried; the others are counted.
const HOSTS: usize = 40;
/// How far ahead gaps of schedules are looked for.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 7);
/// A token that ends within this time is told of.
const SOON: SignedDuration = SignedDuration::from_hours(24 * 14);
/// Less than this is little, in bytes: a few segments of the journal.
const LITTLE: u64 = 512 << 20;

/// What only the server itself can look at.
pub(super) struct Inside {
    pub platforms: Platforms,
    pub reader: Arc<dyn Reader>,
    pub views: Views,
    pub data_dir: PathBuf,
    /// What of the journal was found damaged.
    pub faults: watch::Receiver<Vec<String>>,
}

impl Inside {
    pub fn new(
        platforms: Platforms,
        reader: &Arc<dyn Reader>,
        views: &Views,
        data_dir: PathBuf,
        faults: &watch::Receiver<Vec<String>>,
    ) -> Self {
        let (reader, views) = (Arc::clone(reader), views.clone());
        Self { platforms, reader, views, data_dir, faults: faults.clone() }
    }
}

/// What is seen from outside: what the configuration names, and whether it is there.
pub async fn outside(platforms: &Platforms, config: &Config, settings: &Settings) -> Vec<Found> {
    let rooms = |channel| rooms(config, channel);
    let (connected, reached, senders) =
        tokio::join!(platforms.examine(&rooms), reached(settings), senders(settings));
    let mut found = Vec::new();
    for (channel, findings) in connected {
        found.extend(findings.into_iter().map(|finding| of_platform(platform(channel), finding)));
    }
    found.extend(senders);
    found.extend(reached);
    found.extend(tokens(settings, wall()));
    found
}

/// What is seen from inside: the same, and how journal, views, disk, files and schedules are.
pub(super) async fn inside(
    inside: &Inside,
    engine: &Engine,
    settings: &Settings,
    rereads: Option<&Rereads>,
) -> Vec<Found> {
    let seen = engine.ask(|look| {
        let overrides: Vec<Override> = look.state.overrides.values().cloned().collect();
        (Arc::clone(look.config), overrides, look.now.civil)
    });
    let (config, overrides, now) = match seen.await {
        Ok(seen) => seen,
        Err(why) => return vec![bad(words::ENGINE, why, Some(words::SEE_THE_LOG))],
    };
    let mut found = vec![good(words::ENGINE, String::new())];
    found.push(files(&config, rereads).await);
    found.push(journal(inside));
    found.push(views(&inside.views));
    found.push(disk(inside));
    found.extend(gaps(&config, &overrides, now));
    found.extend(outside(&inside.platforms, &config, settings).await);
    found
}

fn good(what: &str, how: String) -> Found {
    Found { what: what.to_owned(), good: Ok(how), remedy: None }
}

fn bad(what: &str, why: String, remedy: Option<&str>) -> Found {
    Found { what: what.to_owned(), good: Err(why), remedy: remedy.map(str::to_owned) }
}

fn of_platform(name: &str, finding: Finding) -> Found {
    let what = format!("{name}, {}", finding.what);
    match finding.good {
        Ok(how) => Found { what, good: Ok(how), remedy: None },
        Err(Failure::Wait(pause)) => Found { what, good: Err(words::pause(pause.as_secs())), remedy: None },
        Err(Failure::TryAgain(why) | Failure::Gone(why)) => Found { what, good: Err(why), remedy: None },
        Err(Failure::Refused { why, remedy: cure }) => {
            let remedy = cure.map(|cure| remedy(&cure, name));
            Found { what, good: Err(why), remedy }
        }
    }
}

/// Whether the files say what is in force.
async fn files(config: &Config, rereads: Option<&Rereads>) -> Found {
    let Some(rereads) = rereads.cloned() else { return good(words::CONFIGURATION, String::new()) };
    match tokio::task::spawn_blocking(move || rereads.read()).await {
        Ok(Ok(loaded)) if loaded.config.digest != config.digest => {
            bad(words::CONFIGURATION, words::NOT_IN_FORCE.to_owned(), Some(words::RELOAD))
        }
        Ok(Ok(loaded)) if !loaded.warnings.is_empty() => {
            let warnings = loaded.warnings.iter().map(|one| one.what.clone()).collect::<Vec<_>>().join("; ");
            bad(words::CONFIGURATION, warnings, Some(words::CHECK))
        }
        Ok(Ok(_)) => good(words::CONFIGURATION, words::NO_MISTAKES.to_owned()),
        Ok(Err(mistakes)) => bad(words::CONFIGURATION, mistakes.summary(), Some(words::CHECK)),
        Err(_) => good(words::CONFIGURATION, String::new()),
    }
}

fn journal(inside: &Inside) -> Found {
    if let Some(fault) = inside.faults.borrow().first() {
        return bad(words::JOURNAL, fault.clone(), Some(words::VERIFY));
    }
    match inside.reader.degraded() {
        Some(why) => bad(words::JOURNAL, why, Some(words::MAKE_ROOM)),
        None => good(words::JOURNAL, words::events(inside.reader.committed().0)),
    }
}

fn views(views: &Views) -> Found {
    match views.status() {
        Status::Ready { behind, .. } => good(words::VIEWS, words::behind(behind)),
        Status::Rebuilding { done, of } => good(words::VIEWS, words::rebuilding(done, of)),
        Status::Broken { why } => bad(words::VIEWS, why, Some(words::SEE_THE_LOG)),
    }
}

fn disk(inside: &Inside) -> Found {
    match rustix::fs::statvfs(&inside.data_dir) {
        Ok(about) => {
            let free = about.f_bavail.saturating_mul(about.f_frsize);
            let how = words::free(free >> 20);
            if free < LITTLE { bad(words::DISK, how, Some(words::MAKE_ROOM)) } else { good(words::DISK, how) }
        }
        Err(error) => bad(words::DISK, error.to_string(), None),
    }
}

/// Hours in which a schedule names nobody.
fn gaps(config: &Config, overrides: &[Override], now: Timestamp) -> Vec<Found> {
    let until = now.checked_add(AHEAD).unwrap_or(now);
    let lacks = lacks(config, overrides, None, now, until);
    let mut found = Vec::new();
    for schedule in config.schedules.values() {
        let is_gap = |lack: &&Lack| lack.schedule == schedule.id && lack.what == LackOf::Nobody;
        let nobody: Vec<&Lack> = lacks.iter().filter(is_gap).collect();
        let what = words::schedule(schedule.id.as_str());
        match nobody.first() {
            Some(first) => {
                let why = words::gaps(nobody.len(), first.from.max(now), first.until, &schedule.zone);
                found.push(bad(&what, why, Some(words::FILL)));
            }
            None => found.push(good(&what, words::NO_GAPS.to_owned())),
        }
    }
    found
}

/// Tokens that are good no more, or soon will be.
fn tokens(settings: &Settings, now: Timestamp) -> Vec<Found> {
    let soon = now.checked_add(SOON).unwrap_or(now);
    let ending = |until: &Timestamp| *until <= soon;
    let tokens = settings.api_tokens.iter().filter_map(|one| Some((one, one.until.filter(ending)?)));
    tokens
        .map(|(one, until)| {
            let what = words::token(one.person.as_str(), one.name.as_deref());
            bad(&what, words::ends(until, now), Some(words::NEW_TOKEN))
        })
        .collect()
}

/// The other ways to people: no mail and no event is sent.
async fn senders(settings: &Settings) -> Vec<Found> {
    let limits = Limits::default();
    let of = |name: &str, finding: notify::Finding| {
        let what = format!("{name}, {}", finding.what);
        match finding.good {
            Ok(how) => Found { what, good: Ok(how), remedy: None },
            Err((why, remedy)) => Found { what, good: Err(why), remedy },
        }
    };
    let mut found = Vec::new();
    if let Some(mail) = &settings.mail {
        found.push(of(words::MAIL, notify::mail::examine(mail, limits).await));
    }
    let pagers = settings.addresses.values().any(|address| matches!(address, Address::PagerDuty(_)));
    if pagers || settings.pagerduty.is_some() {
        let url = AddressBook::pagerduty(settings);
        found.push(of(words::PAGERDUTY, notify::pagerduty::examine(&url, limits).await));
    }
    found
}

/// Whether every host that the configuration names takes a connection.
async fn reached(settings: &Settings) -> Vec<Found> {
    let mut hosts: BTreeMap<(String, u16), BTreeSet<String>> = BTreeMap::new();
    let mut name = |url: &Url, of: String| {
        if let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) {
            let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            hosts.entry((host, port)).or_default().insert(of);
        }
    };
    for ((person, contact), address) in &settings.addresses {
        if let Address::Hook(url) | Address::Ntfy { server: url, .. } = address {
            name(url, words::contact(person.as_str(), contact.as_str()));
        }
    }
    for (environment, one) in &settings.environments {
        for (service, one) in &one.services {
            name(one.url.expose(), words::service(environment, service));
        }
    }
    if let Some(alive) = &settings.alive {
        name(alive.url.expose(), words::ALIVE.to_owned());
    }
    let left_out = hosts.len().saturating_sub(HOSTS);
    let tries = hosts.into_iter().take(HOSTS).map(|((host, port), of)| async move {
        let what = words::host(&host, port);
        let of: Vec<String> = of.into_iter().collect();
        match tokio::time::timeout(REACH, TcpStream::connect((host.as_str(), port))).await {
            Ok(Ok(_)) => good(&what, String::new()),
            Ok(Err(error)) => bad(&what, words::unreachable(&error.kind().to_string(), &of), None),
            Err(_) => bad(&what, words::unreachable(&words::no_answer(REACH.as_secs()), &of), None),
        }
    });
    let mut found = join_all(tries).await;
    if left_out > 0 {
        found.push(good(words::HOSTS, words::left_out(left_out)));
    }
    found
}

/// Every room that the configuration names for a platform.
fn rooms(config: &Config, channel: Channel) -> Vec<String> {
    let steps = config.policies.values().flat_map(|policy| &policy.steps).flat_map(|step| &step.page);
    let paged = steps.filter_map(|target| match target {
        PageTarget::Channel(channel) => Some(channel),
        _ => None,
    });
    let routes = config.routes.iter().flat_map(|route| &route.channels);
    let teams = config.teams.values().filter_map(|team| team.channel.as_ref());
    let all: BTreeSet<&ChannelName> =
        routes.chain(&config.unrouted.channels).chain(teams).chain(paged).collect();
    all.into_iter()
        .filter(|name| name.platform().is_none_or(|one| one == channel))
        .map(|name| name.bare().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{chat::Remedy, house::Line};

    fn line(finding: Finding) -> String {
        let Found { what, good, remedy } = of_platform("Slack", finding);
        Line { what, good, remedy }.plain()
    }

    #[test]
    fn what_is_wrong_comes_with_its_remedy() {
        let finding = |good| Finding { what: "#ops".to_owned(), good };
        assert_eq!(line(finding(Ok("the bot is in it".into()))), "✓ Slack, #ops: the bot is in it");
        let refused =
            Failure::Refused { why: "not_in_channel".into(), remedy: Some(Remedy::InviteBot("#ops".into())) };
        assert_eq!(
            line(finding(Err(refused))),
            "✗ Slack, #ops: not_in_channel\n    → Invite the bot into #ops: write `/invite @watchbell` there."
        );
    }

    #[test]
    fn every_room_of_the_example_is_looked_at() {
        let loaded = crate::config::load(None, &|_| None).unwrap();
        let rooms = rooms(&loaded.config, Channel::Slack);
        assert!(rooms.contains(&"#qflow-alerts".to_owned()), "{rooms:?}");
    }

    #[test]
    fn a_token_that_ends_soon_is_told_of_and_never_shown() {
        let mut settings = crate::config::load(None, &|_| None).unwrap().settings;
        let now: Timestamp = "2026-12-24T00:00:00Z".parse().unwrap();
        let token = |name: &str, until: Option<&str>| crate::config::ApiToken {
            person: "ana".into(),
            token: "s3cret-of-ana".to_owned().into(),
            name: Some(name.to_owned()),
            role: None,
            until: until.map(|until| until.parse().unwrap()),
        };
        settings.api_tokens = vec![
            token("ci", Some("2027-01-01T00:00:00Z")),
            token("old", Some("2026-12-01T00:00:00Z")),
            token("far", Some("2028-01-01T00:00:00Z")),
            token("ever", None),
        ];
        let found = tokens(&settings, now);
        let names: Vec<&str> = found.iter().map(|one| one.what.as_str()).collect();
        assert_eq!(names, ["API token of ana (ci)", "API token of ana (old)"]);
        assert!(!format!("{found:?}").contains("s3cret"), "{found:?}");
    }
}
