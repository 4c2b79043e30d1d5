//! `watchbell health`: asks a running server, for a container's health check. Never starts anything.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use clap::Args;

use super::{Common, runtime};

/// Flags of `health`.
#[derive(Debug, Clone, Default, Args)]
pub struct HealthArgs {
    /// Where the server listens [default: what the configuration says, else 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

/// Asks `/healthz`.
pub fn run(common: &Common, args: &HealthArgs) -> ExitCode {
    let address = args
        .listen
        .unwrap_or_else(|| common.load().map_or(crate::config::LISTEN, |loaded| loaded.settings.listen));
    let port = address.port();
    let ip = match address.ip() {
        ip if ip.is_unspecified() && ip.is_ipv4() => std::net::Ipv4Addr::LOCALHOST.into(),
        ip if ip.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let url = format!("http://{}/healthz", SocketAddr::new(ip, port));
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
