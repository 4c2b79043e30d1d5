//! Logs and trace ids. Never logs a secret: what is written here was made harmless where it was made.

use std::{
    hash::{BuildHasher, RandomState},
    io::{self, IsTerminal},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use tracing_subscriber::{EnvFilter, prelude::*};

use crate::domain::event::TraceId;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Text when the standard error output is a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl std::str::FromStr for LogFormat {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("`{other}` is no log format: write auto, text or json")),
        }
    }
}

/// Starts logging to the standard error output. `filter` is what `WATCHBELL_LOG` says, in the syntax of
/// tracing's `EnvFilter` (`info,watchbell=debug`); a filter that cannot be read counts as `info`, and that is logged.
/// Only the first call of a process has an effect.
pub fn start(format: LogFormat, filter: Option<&str>) {
    let wanted = filter.map(str::trim).filter(|filter| !filter.is_empty()).unwrap_or("info");
    let (filter, wrong) = match EnvFilter::try_new(wanted) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error.to_string())),
    };
    let terminal = io::stderr().is_terminal();
    let json = match format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    let started = if json {
        let layer = layer.json().flatten_event(true).with_current_span(true).with_span_list(false);
        registry.with(layer).try_init()
    } else {
        registry.with(layer.with_ansi(terminal).with_target(false)).try_init()
    };
    if started.is_err() {
        return;
    }
    if let Some(why) = wrong {
        tracing::warn!(%why, "the log filter cannot be read; logging what is information or worse");
    }
    log_panics();
}

/// A panic is logged like everything else, with its place, before whoever contains it goes on.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let why = panic.payload_as_str().unwrap_or("no reason given");
        let thread = std::thread::current();
        tracing::error!(
            place,
            why,
            thread = thread.name().unwrap_or_default(),
            "a part of Watchbell panicked"
        );
    }));
}

/// A trace id that no other intent of this process has, and hardly one of any other.
#[must_use]
pub fn trace() -> TraceId {
    static SEED: OnceLock<u64> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let seed = *SEED.get_or_init(|| RandomState::new().hash_one(std::process::id()));
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // SplitMix64 (Steele, Lea, Flood 2014): a bijection, so that no id occurs twice.
    let mut z = seed.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    TraceId(z ^ (z >> 31))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trace_ids_do_not_repeat() {
        let ids: std::collections::BTreeSet<TraceId> = (0..10_000).map(|_| trace()).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
