//! The binary: command line in, exit code out.

use std::process::ExitCode;

/// An alert is allocated on one thread and freed on another; the system's allocator pays for that with locks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything speaks TLS: two providers would make rustls panic, none as well.
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        eprintln!("TLS is set up twice: this is a fault in Watchbell, please report it.");
        return ExitCode::FAILURE;
    }
    watchbell::cli::run()
}
