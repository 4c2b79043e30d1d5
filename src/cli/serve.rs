//! `watchbell serve`: the server until somebody stops it. Never starts with a configuration that has a mistake.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

use super::{Common, runtime};
use crate::{
    app::{App, Options, Rereads},
    domain::event::Actor,
    observe,
};

/// Flags of `serve`.
#[derive(Debug, Clone, Default, Args)]
pub struct ServeArgs {
    /// Folder for journal, snapshots and views [default: what the configuration says, else ./data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address to listen on [default: what the configuration says, else 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

/// Runs the server.
pub fn run(common: &Common, args: ServeArgs) -> ExitCode {
    common.log();
    let loaded = match common.load() {
        Ok(loaded) => loaded,
        Err(mistakes) => {
            eprintln!("{mistakes}\nNothing was started. `watchbell check` shows this again.");
            return ExitCode::FAILURE;
        }
    };
    for warning in &loaded.warnings {
        warn!(file = warning.file, line = warning.line, "{}", warning.what);
    }
    if common.config_dir().is_none() {
        info!("no folder ./config: the built-in example configuration is in force (--config names another)");
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            error!(%error, "the system gives no threads");
            return ExitCode::FAILURE;
        }
    };
    let options = Options {
        data_dir: args.data,
        listen: args.listen,
        commands: common.commands_dir(),
        begins_at: None,
        rereads: Some(Rereads::by({
            let common = common.clone();
            move || common.load()
        })),
    };
    runtime.block_on(async {
        let app = match App::start(loaded, options).await {
            Ok(app) => app,
            Err(error) => {
                error!("{error:#}");
                return ExitCode::FAILURE;
            }
        };
        until_stopped(app).await
    })
}

async fn until_stopped(app: App) -> ExitCode {
    let (Ok(mut terminated), Ok(mut interrupted)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        error!("signals cannot be heard");
        return ExitCode::FAILURE;
    };
    if let Ok(mut hung_up) = signal(SignalKind::hangup()) {
        let caretaker = app.caretaker();
        tokio::spawn(async move {
            while hung_up.recv().await.is_some() {
                // What came of it is in the log.
                drop(caretaker.reload(Actor::Operator, observe::trace()).await);
            }
        });
    }
    let failed = tokio::select! {
        _ = terminated.recv() => None,
        _ = interrupted.recv() => None,
        why = app.failed() => Some(why),
    };
    if let Some(why) = failed {
        error!(why, "the engine has stopped: nothing is accepted any more, and Watchbell ends");
        return ExitCode::FAILURE;
    }
    info!("stopping");
    app.stop().await;
    ExitCode::SUCCESS
}
