//! `watchbell doctor`: looks from outside whether everything that the configuration names is set up as it has to be,
//! and says how to mend what is not. Changes nothing, and tells nobody anything.

use std::{collections::BTreeSet, io::Write as _, process::ExitCode};

use super::{Common, on_runtime};
use crate::{
    app::Platforms,
    chat::port::{Failure, Finding},
    config::{Address, Settings},
    domain::{config::Config, delivery::Channel, id::ChannelName, page::PageTarget},
    notify::{self, AddressBook, Limits},
    text::{chat::remedy, room::platform},
};

/// Runs it: exit 0 when all is well, 1 when something is to be mended.
#[must_use]
pub fn run(common: &Common) -> ExitCode {
    let loaded = match common.load() {
        Ok(loaded) => loaded,
        Err(mistakes) => {
            eprintln!("{mistakes}");
            return ExitCode::FAILURE;
        }
    };
    let platforms = match Platforms::new(&loaded.settings) {
        Ok(platforms) => platforms,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    };
    on_runtime(async move {
        let rooms = |channel| rooms(&loaded.config, channel);
        let found = platforms.examine(&rooms).await;
        let senders = senders(&loaded.settings).await;
        let mut out = std::io::stdout().lock();
        let mut good = true;
        // Whoever closed the pipe has read enough.
        let _ = writeln!(out, "✓ configuration: no mistakes");
        if found.is_empty() {
            let _ =
                writeln!(out, "  no chat platform is configured: add [slack] or [discord], see the README");
        }
        for (channel, findings) in found {
            let name = platform(channel);
            for finding in findings {
                good &= finding.good.is_ok();
                let _ = writeln!(out, "{}", line(name, &finding));
            }
        }
        for (name, finding) in senders {
            good &= finding.good.is_ok();
            let _ = writeln!(out, "{}", sender(name, &finding));
        }
        if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    })
}

/// What is found out about the other ways to people: no mail and no event is sent.
async fn senders(settings: &Settings) -> Vec<(&'static str, notify::Finding)> {
    let limits = Limits::default();
    let mut found = Vec::new();
    if let Some(mail) = &settings.mail {
        found.push(("Mail", notify::mail::examine(mail, limits).await));
    }
    let pagers = settings.addresses.values().any(|address| matches!(address, Address::PagerDuty(_)));
    if pagers || settings.pagerduty.is_some() {
        let url = AddressBook::pagerduty(settings);
        found.push(("PagerDuty", notify::pagerduty::examine(&url, limits).await));
    }
    found
}

fn sender(name: &str, finding: &notify::Finding) -> String {
    let what = &finding.what;
    match &finding.good {
        Ok(found) => format!("✓ {name}, {what}: {found}"),
        Err((why, None)) => format!("✗ {name}, {what}: {why}"),
        Err((why, Some(remedy))) => format!("✗ {name}, {what}: {why}\n    → {remedy}"),
    }
}

fn line(platform: &str, finding: &Finding) -> String {
    let what = &finding.what;
    match &finding.good {
        Ok(found) if found.is_empty() => format!("✓ {platform}, {what}"),
        Ok(found) => format!("✓ {platform}, {what}: {found}"),
        Err(Failure::Wait(pause)) => {
            format!("✗ {platform}, {what}: asks for a pause of {} s", pause.as_secs())
        }
        Err(Failure::TryAgain(why) | Failure::Gone(why)) => format!("✗ {platform}, {what}: {why}"),
        Err(Failure::Refused { why, remedy: None }) => format!("✗ {platform}, {what}: {why}"),
        Err(Failure::Refused { why, remedy: Some(cure) }) => {
            format!("✗ {platform}, {what}: {why}\n    → {}", remedy(cure, platform))
        }
    }
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
    use crate::text::chat::Remedy;

    #[test]
    fn what_is_wrong_comes_with_its_remedy() {
        let finding = |good| Finding { what: "#ops".to_owned(), good };
        assert_eq!(line("Slack", &finding(Ok("the bot is in it".into()))), "✓ Slack, #ops: the bot is in it");
        let refused =
            Failure::Refused { why: "not_in_channel".into(), remedy: Some(Remedy::InviteBot("#ops".into())) };
        assert_eq!(
            line("Slack", &finding(Err(refused))),
            "✗ Slack, #ops: not_in_channel\n    → Invite the bot into #ops: write `/invite @watchbell` there."
        );
    }

    #[test]
    fn every_room_of_the_example_is_looked_at() {
        let loaded = crate::config::load(None, &|_| None).unwrap();
        let rooms = rooms(&loaded.config, Channel::Slack);
        assert!(rooms.contains(&"#qflow-alerts".to_owned()), "{rooms:?}");
    }
}
