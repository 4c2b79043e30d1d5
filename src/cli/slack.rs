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
    let registry = match common.load_or_say("the manifest has the built-in commands alone") {
        Some(loaded) => Arc::new(Library::load(common.commands_dir().as_deref(), &loaded)).register(builtin),
        None => builtin,
    };
    // Whoever closed the pipe has read enough.
    let _ = write!(std::io::stdout().lock(), "{}", slack_manifest(&registry, http.as_ref()));
    ExitCode::SUCCESS
}
