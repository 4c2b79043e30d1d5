//! `watchbell health`: asks a running server, for a container's health check. Never starts anything.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use clap::Args;

use super::{Common, runtime};

/// Flags of `health`.
#[derive(Debug, Clone, Default, Args)]
pub struct HealthArgs {
    /// The server's address [default: where the configuration says that it listens]
    #[arg(long, value_name = "URL")]
    server: Option<url::Url>,
}

/// Asks `/healthz`.
pub fn run(common: &Common, args: &HealthArgs) -> ExitCode {
    let base = args.server.as_ref().map_or_else(|| configured(common), ToString::to_string);
    let url = format!("{}/healthz", base.trim_end_matches('/'));
    let asked = runtime().map_err(|error| error.to_string()).and_then(|runtime| {
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(3)).build();
            let response = client.map_err(|error| error.to_string())?.get(&url).send().await;
            response.map(|response| response.status()).map_err(|error| error.to_string())
        })
    });
    match asked {
        Ok(status) if status.is_success() => {
            println!("healthy");
            ExitCode::SUCCESS
        }
        Ok(status) => {
            println!("not healthy: {url} answers {status}");
            ExitCode::FAILURE
        }
        Err(why) => {
            println!("not healthy: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Where this machine's server is found, by its configuration.
fn configured(common: &Common) -> String {
    let listen = common.load().map_or(crate::config::LISTEN, |loaded| loaded.settings.listen);
    let ip = match listen.ip() {
        ip if ip.is_unspecified() && ip.is_ipv4() => std::net::Ipv4Addr::LOCALHOST.into(),
        ip if ip.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, listen.port()))
}
