//! `watchbell health`: asks a running server, for a container's health check. Never starts anything.

use std::{
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use clap::Args;

use super::{Common, client::Place, run::say, runtime};

/// Flags of `health`.
#[derive(Debug, Clone, Default, Args)]
pub struct HealthArgs {
    /// The server's address [default: where the configuration says that it listens]
    #[arg(long, value_name = "URL")]
    server: Option<url::Url>,
}

/// Asks `/healthz`.
#[must_use]
pub fn run(common: &Common, args: &HealthArgs) -> ExitCode {
    let base = args.server.clone().unwrap_or_else(|| {
        let (place, warning) = Place::configured(common.config_dir().as_deref());
        if let Some(warning) = warning {
            say(&format!("watchbell: {warning}"));
        }
        place.url
    });
    let url = format!("{}/healthz", base.as_str().trim_end_matches('/'));
    let asked = runtime().map_err(|error| error.to_string()).and_then(|runtime| {
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(3)).build();
            let response = client.map_err(|error| error.to_string())?.get(&url).send().await;
            response.map(|response| response.status()).map_err(|error| error.to_string())
        })
    });
    let (code, words) = match asked {
        Ok(status) if status.is_success() => (ExitCode::SUCCESS, "healthy".to_owned()),
        Ok(status) => (ExitCode::FAILURE, format!("not healthy: {url} answers {status}")),
        Err(why) => (ExitCode::FAILURE, format!("not healthy: {why}")),
    };
    // The exit code says it too; nobody may be there to read the words.
    drop(writeln!(io::stdout().lock(), "{words}"));
    code
}
