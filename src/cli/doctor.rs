//! `watchbell doctor`: looks from outside whether everything that the configuration names is set up as it has to be,
//! and says how to mend what is not. Changes nothing, and tells nobody anything.

use std::{io::Write as _, process::ExitCode};

use super::{Common, on_runtime};
use crate::{
    app::{Platforms, doctor},
    command::Found,
    text::house::Line,
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
        let found = doctor::outside(&platforms, &loaded.config, &loaded.settings).await;
        let mut out = std::io::stdout().lock();
        // Whoever closed the pipe has read enough.
        let _ = writeln!(out, "✓ configuration: no mistakes");
        if platforms.is_empty() {
            let _ =
                writeln!(out, "  no chat platform is configured: add [slack] or [discord], see the README");
        }
        let mut good = true;
        for Found { what, good: how, remedy } in found {
            good &= how.is_ok();
            let _ = writeln!(out, "{}", Line { what, good: how, remedy }.plain());
        }
        if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    })
}
