//! `watchbell slack manifest`: the app as Slack wants it described, with every command and scope.

use std::{io::Write as _, process::ExitCode, sync::Arc};

use clap::{Args, Subcommand};
use url::Url;

use super::Common;
use crate::{app::slack_manifest, command::Registry, runbook::Library};

/// What is asked for Slack.
#[derive(Debug, Args)]
pub struct SlackArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print the app's manifest: paste it at api.slack.com/apps, "From a manifest"
    Manifest {
        /// Slack sends to this address instead of a socket that Watchbell opens (needs `slack.signing_secret`)
        #[arg(long, value_name = "PUBLIC_URL")]
        http: Option<Url>,
    },
}

/// Runs it.
#[must_use]
pub fn run(common: &Common, args: &SlackArgs) -> ExitCode {
    let What::Manifest { http } = &args.what;
    let builtin = Registry::builtin();
    let loaded = common.load_or_say(
        "the manifest is that of Socket Mode, with the usual names, and built-in commands alone",
    );
    let registry = match &loaded {
        Some(loaded) => {
            Arc::new(Library::load(common.commands_dir().as_deref(), loaded)).register(builtin, None)
        }
        None => builtin,
    };
    let settings = loaded.map(|loaded| loaded.settings);
    let slack = settings.as_ref().and_then(|settings| settings.slack.as_ref());
    // Without a socket there is only HTTP.
    let by_http = slack.is_some_and(|slack| slack.app_token.is_none());
    let configured = settings.as_ref().filter(|_| by_http).map(|settings| &settings.public_url);
    let names = slack.map(|slack| slack.commands.clone()).unwrap_or_default();
    let manifest = slack_manifest(&registry, http.as_ref().or(configured), &names);
    // Whoever closed the pipe has read enough.
    let _ = write!(std::io::stdout().lock(), "{manifest}");
    ExitCode::SUCCESS
}
