//! Where a runbook starts. Never starts one that was not proved: it is handed what the library holds.

use std::sync::Arc;

use super::model::Runbook;
use crate::{
    command::{Answer, Call, Reply},
    text,
};

/// Starts a run of a runbook for whoever calls its command; the arguments are in `call.parsed.values`.
///
/// # Errors
/// Always in this release: it reads runbooks and does not run them. Nothing has changed then.
pub async fn start(_call: &Call<'_>, runbook: &Arc<Runbook>) -> Answer {
    Err(Reply::refused(text::runbook::not_run(&runbook.command())).into())
}
