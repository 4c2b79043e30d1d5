//! The chat platforms of the configuration: made, given their couriers, listened to, stopped. Never speaks a
//! platform's protocol, and never decides anything.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use tokio::{sync::watch, task::JoinHandle};
use url::Url;

use crate::{
    chat::{
        courier::{AccountBook, ChatCourier},
        discord::{self, Discord},
        hearing::{Habits, Hearing},
        port::{Ear, Finding, Platform},
        slack::{self, Slack},
    },
    command::{
        Desk, Registry,
        spec::{CommandSpec, Kind},
    },
    config::Settings,
    domain::delivery::Channel,
    engine::{Courier, clock},
    metrics::Metrics,
};

/// How often it is looked whether a platform has been away for too long.
const WATCH: Duration = Duration::from_secs(5);
/// How long answers that are under way have to be completed at a stop.
const GRACE: Duration = Duration::from_secs(2);

/// So long an answer may take to be Discord's acknowledgement itself. While alerts pour in it waits for syncs; then the
/// interaction is acknowledged first, and the answer follows in the same message.
const AT_ONCE: Duration = Duration::from_millis(30);

/// The platforms that are set up.
#[derive(Default)]
pub struct Platforms {
    slack: Option<Slack>,
    discord: Option<Discord>,
}

/// Platforms that are listened to.
pub struct Connected {
    slack: Option<slack::Listening>,
    discord: Option<discord::Running>,
    watch: JoinHandle<()>,
}

impl Platforms {
    /// Those of the configuration; nothing is connected yet.
    ///
    /// # Errors
    /// When no HTTP client can be made (no usable TLS).
    pub fn new(settings: &Settings) -> anyhow::Result<Self> {
        let slack = settings.slack.as_ref().map(|slack| {
            let mut options = slack::Options::new(slack.bot_token.clone(), clock::wall)?;
            options.app_token = Some(slack.app_token.clone());
            options.signing_secret.clone_from(&slack.signing_secret);
            if let Some(api) = &slack.api_url {
                options.api = folder(api)?;
            }
            Slack::new(options).context("Slack: no HTTP client can be made")
        });
        let discord = settings.discord.as_ref().map(|discord| {
            let now = Arc::new(clock::wall);
            let mut options = discord::Options::new(discord.token.clone(), discord.guild, now);
            options.timing.patience = AT_ONCE;
            options.content = discord.content;
            options.members = discord.members;
            options.rooms = discord::RoomStyle::Channels { category: discord.category, archive: None };
            if let Some(api) = &discord.api_url {
                options.api = discord_api(api);
            }
            Discord::new(options).context("Discord: no HTTP client can be made")
        });
        Ok(Self { slack: slack.transpose()?, discord: discord.transpose()? })
    }

    fn all(&self) -> Vec<Arc<dyn Platform>> {
        let slack = self.slack.iter().map(|slack| Arc::new(slack.clone()) as Arc<dyn Platform>);
        let discord = self.discord.iter().map(|discord| Arc::new(discord.clone()) as Arc<dyn Platform>);
        slack.chain(discord).collect()
    }

    /// One courier for each.
    pub fn couriers(&self, accounts: &Arc<dyn AccountBook>) -> Vec<Arc<dyn Courier>> {
        let courier =
            |platform| Arc::new(ChatCourier::new(platform, Arc::clone(accounts))) as Arc<dyn Courier>;
        self.all().into_iter().map(courier).collect()
    }

    /// Connects; `away` hears which platform has been away for a minute.
    pub fn listen(
        &self,
        desk: &Desk,
        accounts: &Arc<dyn AccountBook>,
        metrics: &Metrics,
        away: watch::Sender<Vec<String>>,
    ) -> Option<Connected> {
        let all = self.all();
        if all.is_empty() {
            return None;
        }
        let hearing =
            Hearing::new(desk.clone(), Arc::clone(accounts), Habits::default(), metrics.clone(), away);
        let hearing = Arc::new(hearing);
        for platform in all {
            hearing.know(platform);
        }
        let ear: Arc<dyn Ear> = Arc::clone(&hearing) as Arc<dyn Ear>;
        let slack = self.slack.as_ref().map(|slack| slack.listen(Arc::clone(&ear)));
        let specs = || specs(&desk.commands.current());
        let discord = self.discord.as_ref().map(|discord| discord.listen(specs(), Arc::clone(&ear)));
        let watch = tokio::spawn(hearing.watch(WATCH));
        Some(Connected { slack, discord, watch })
    }

    /// Looks whether everything is set up as it has to be.
    pub async fn examine(&self, rooms: &dyn Fn(Channel) -> Vec<String>) -> Vec<(Channel, Vec<Finding>)> {
        let mut found = Vec::new();
        for platform in self.all() {
            let channel = platform.channel();
            found.push((channel, platform.examine(&rooms(channel)).await));
        }
        found
    }
}

impl Connected {
    /// What Slack sends by HTTP goes here.
    #[must_use]
    pub fn inbox(&self) -> Option<slack::Inbox> {
        self.slack.as_ref().map(slack::Listening::inbox)
    }

    /// Lets answers that are under way be completed, and disconnects.
    pub async fn stop(self) {
        self.watch.abort();
        let slack = async {
            if let Some(slack) = self.slack {
                slack.stop().await;
            }
        };
        let discord = async {
            if let Some(discord) = self.discord {
                discord.stop(GRACE).await;
            }
        };
        tokio::join!(slack, discord);
    }
}

/// The address as a folder: what is joined to it stays below it.
fn folder(url: &Url) -> Result<Url, url::ParseError> {
    Url::parse(&format!("{}/", url.as_str().trim_end_matches('/')))
}

/// The API of a place that stands for `https://discord.com`: its version is this program's choice.
fn discord_api(place: &Url) -> String {
    format!("{}/api/v10", place.as_str().trim_end_matches('/'))
}

/// The commands as Discord is told of them.
fn specs(registry: &Registry) -> Vec<discord::Spec> {
    let mut top = Vec::new();
    for spec in registry.specs() {
        place(&mut top, &spec.path, spec);
    }
    top
}

fn place(level: &mut Vec<discord::Spec>, path: &[crate::command::spec::Name], spec: &CommandSpec) {
    let Some((word, rest)) = path.split_first() else { return };
    let at = level.iter().position(|one| one.name == **word).unwrap_or_else(|| {
        level.push(discord::Spec { name: word.to_string(), ..discord::Spec::default() });
        level.len() - 1
    });
    let Some(one) = level.get_mut(at) else { return };
    if !rest.is_empty() {
        return place(&mut one.subcommands, rest, spec);
    }
    one.summary = spec.summary.to_string();
    one.runs = true;
    one.arguments = arguments(spec);
}

fn arguments(spec: &CommandSpec) -> Vec<discord::Argument> {
    let of = |kind: &Kind| match kind {
        Kind::Text => discord::Kind::Text,
        Kind::Number(..) => discord::Kind::Number,
        _ => discord::Kind::Word,
    };
    let choices = |kind: &Kind| match kind {
        Kind::Choice(choices) => choices.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    let known = |kind: &Kind| !matches!(kind, Kind::Text | Kind::Number(..) | Kind::Word | Kind::Choice(_));
    let positional = spec.arguments.iter().map(|argument| discord::Argument {
        name: argument.name.to_string(),
        summary: argument.about.to_string(),
        kind: of(&argument.kind),
        choices: choices(&argument.kind),
        required: argument.required,
        autocomplete: known(&argument.kind),
        flag: false,
    });
    let flags = spec.flags.iter().map(|flag| discord::Argument {
        name: flag.name.to_string(),
        summary: flag.about.to_string(),
        kind: flag.kind.as_ref().map_or(discord::Kind::Switch, of),
        choices: flag.kind.as_ref().map(choices).unwrap_or_default(),
        required: false,
        autocomplete: flag.kind.as_ref().is_some_and(known),
        flag: true,
    });
    positional.chain(flags).collect()
}

/// Slack's manifest for the built-in commands.
#[must_use]
pub fn slack_manifest(registry: &Registry, public_url: Option<&Url>) -> String {
    let mut words: Vec<(String, String, String)> = Vec::new();
    for spec in registry.specs() {
        let Some(word) = spec.path.first() else { continue };
        let name = format!("/{word}");
        let Some(next) = spec.path.get(1) else {
            words.push((name, spec.summary.to_string(), spec.usage()));
            continue;
        };
        match words.iter_mut().find(|(known, ..)| *known == name) {
            Some((_, _, hint)) if hint.split('|').any(|known| known == next) => {}
            Some((_, summary, hint)) => {
                hint.push('|');
                hint.push_str(next);
                summary.push_str(", ");
                summary.push_str(next);
            }
            None => words.push((name, next.to_string(), next.to_string())),
        }
    }
    let commands: Vec<(&str, &str, &str)> = words
        .iter()
        .map(|(name, summary, usage)| (name.as_str(), summary.as_str(), usage.as_str()))
        .collect();
    slack::manifest(&commands, public_url.is_none(), public_url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discord_is_told_of_every_command() {
        let registry = Registry::builtin();
        let specs = specs(&registry);
        let incident = specs.iter().find(|spec| spec.name == "incident").unwrap();
        let open = incident.subcommands.iter().find(|spec| spec.name == "open").unwrap();
        let names: Vec<&str> = open.arguments.iter().map(|argument| argument.name.as_str()).collect();
        assert_eq!(names, ["severity", "title"]);
        assert!(open.runs && !incident.runs);
        let oncall = specs.iter().find(|spec| spec.name == "oncall").unwrap();
        assert!(
            oncall.subcommands.iter().any(|spec| spec.name == "override" && !spec.subcommands.is_empty())
        );
    }

    #[test]
    fn the_manifest_names_every_command() {
        let manifest = slack_manifest(&Registry::builtin(), None);
        for command in ["/incident", "/ack", "/alert", "/oncall", "/page", "/watchbell"] {
            assert!(manifest.contains(&format!("command: \"{command}\"")), "{command}: {manifest}");
        }
        assert!(manifest.contains("socket_mode_enabled: true"));
    }

    #[test]
    fn a_place_for_discord_gets_the_path_of_its_api() {
        for place in ["https://discord.com", "https://discord.com/"] {
            assert_eq!(discord_api(&Url::parse(place).unwrap()), discord::API);
        }
    }

    #[test]
    fn an_address_is_a_folder() {
        let url = Url::parse("http://127.0.0.1:1/api").unwrap();
        assert_eq!(folder(&url).unwrap().as_str(), "http://127.0.0.1:1/api/");
    }
}
