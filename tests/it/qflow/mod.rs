//! Qflow and all that it stands on, as fakes on the wire, and what Watchbell's runbooks find there.
//! Never a real Qflow, and nothing beyond this machine.

mod alertmanager;
mod api;
mod documented;
mod done;
mod elasticsearch;
mod envelope;
mod examples;
mod families;
mod jaeger;
mod kept;
mod kubo;
mod logbook;
mod metrics;
mod mood;
mod morning;
mod morning_slack;
mod neighbours;
mod programs;
mod site;
mod sources;
mod telling;
