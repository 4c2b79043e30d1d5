//! Real programs beside Watchbell, each on free loopback ports, in a folder of its own, ended by its own id.
//! Never leaves a process behind, never waits without a deadline, never touches a service of the machine.

use std::time::Duration;

pub mod alertmanager;
pub mod http;
pub mod live;
pub mod load;
pub mod ports;
pub mod process;
pub mod prometheus;
pub mod server;
pub mod watchbell;

/// How long is waited for what happens at once on a machine that has nothing else to do.
pub const SOON: Duration = Duration::from_secs(30);
