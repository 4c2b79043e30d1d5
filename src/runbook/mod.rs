//! Runbooks: Markdown files that are commands and documents at once. They are read, proved and kept here, and each
//! becomes a command. Never lets a value become code, and never runs what was not proved as a whole.
//!
//! A file goes through `document` (headings, prose, blocks), `yaml` and `matter` (front matter), `settings` (`#|`
//! lines), `act` (one file per action) with `compile`, `expression`, `names` and `template`; `slot` writes a value
//! where it stands. `read` puts one file together, `library` all of them. `start` is where a run begins.

mod act;
mod alone;
mod answer;
mod asked;
mod by_alert;
mod by_itself;
mod by_time;
pub mod chart;
mod command;
mod compile;
mod course;
mod document;
mod executor;
mod expression;
mod first;
mod guide;
mod judging;
mod library;
mod matter;
mod model;
mod names;
mod notes;
mod plan;
mod prepared;
mod prose;
mod read;
mod redact;
mod run;
mod scope;
mod settings;
mod slot;
mod start;
mod template;
#[cfg(test)]
mod tests;
mod triggers;
mod verdict;
mod watch;
pub mod world;
mod yaml;

pub use act::{
    Act, ChatAct, HttpAct, LogsAct, LogsQuery, Program, PromqlAct, Request, RunAct, Search, TraceAct,
    TraceCall,
};
pub use executor::Executor;
pub use expression::{Expression, NoValue};
pub use first::{NotWritten, write as write_first};
pub use library::{Broken, ITSELF, Library, environments};
pub use model::{Action, Budget, ByItself, Destination, Link, Runbook, Step, Timetable};
pub use names::ActKind;
pub use scope::Scope;
pub use settings::{Approve, OnFail, Retry, Settings};
pub use slot::{Slot, Unsafe};
pub use start::start;
pub use template::{NotRendered, Template};
