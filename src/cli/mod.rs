//! The command line.

pub mod clean;
pub mod client;
pub mod console;
pub mod run;
