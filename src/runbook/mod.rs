//! Runbooks: Markdown files that are commands. Never decides who may run one, and never starts what was not permitted.

pub mod world;
pub mod chart;
