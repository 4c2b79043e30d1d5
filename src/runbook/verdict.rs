//! Judges what a step found, and says where its run goes on. Never takes what nobody knows for healthy.

use serde_json::{Map, Value};

use super::{expression::Expression, model::Action, names::ActKind, scope::Scope, settings::OnFail};
use crate::{domain::run::StepOutcome, text::runbook as words};

/// What a step's check says of its result, and why when it is not as expected.
pub(super) fn judge(
    action: &Action,
    fields: &Map<String, Value>,
    scope: &Scope,
) -> (StepOutcome, Option<String>) {
    let kind = action.act.kind();
    match &action.settings.expect {
        Some(expect) if kind == ActKind::Promql => each_series(expect, fields, scope),
        Some(expect) => holds(expect, fields, scope),
        None => usual(kind, fields),
    }
}

fn holds(expect: &Expression, fields: &Map<String, Value>, scope: &Scope) -> (StepOutcome, Option<String>) {
    match expect.holds(&scope.with(fields)) {
        Ok(true) => (StepOutcome::Passed, None),
        Ok(false) => (StepOutcome::Failed, Some(words::expected(expect.text()))),
        Err(no) => (StepOutcome::Unknown, Some(no.to_string())),
    }
}

/// It must hold for each; where there is no value nobody knows.
fn each_series(
    expect: &Expression,
    fields: &Map<String, Value>,
    scope: &Scope,
) -> (StepOutcome, Option<String>) {
    let Some(series) = series(fields) else { return (StepOutcome::Unknown, Some(words::NO_DATA.to_owned())) };
    let mut worst = (StepOutcome::Passed, None);
    let mut failed = Vec::new();
    for one in series {
        let value = one.get("value").cloned().unwrap_or(Value::Null);
        let mut own = fields.clone();
        let outcome = if value.is_null() {
            (StepOutcome::Unknown, Some(words::NO_DATA.to_owned()))
        } else {
            own.insert("value".to_owned(), value);
            holds(expect, &own, scope)
        };
        match outcome.0 {
            StepOutcome::Failed => failed.push(one.get("name").and_then(Value::as_str).unwrap_or_default()),
            StepOutcome::Passed => {}
            _ => worst = outcome,
        }
    }
    if failed.is_empty() {
        return worst;
    }
    // One series alone needs no name; of several somebody wants to know which.
    let names = if series.len() > 1 { failed.as_slice() } else { &[] };
    (StepOutcome::Failed, Some(words::expected_of(expect.text(), names)))
}

fn series(fields: &Map<String, Value>) -> Option<&Vec<Value>> {
    fields.get("series").and_then(Value::as_array).filter(|series| !series.is_empty())
}

/// What is usual for a kind when nothing is expected in words.
fn usual(kind: ActKind, fields: &Map<String, Value>) -> (StepOutcome, Option<String>) {
    let number = |name: &str| fields.get(name).and_then(Value::as_i64);
    let passed = |passed: bool| if passed { StepOutcome::Passed } else { StepOutcome::Failed };
    match kind {
        ActKind::Http => (passed(number("status").is_some_and(|status| status < 400)), None),
        ActKind::Run => (passed(number("code") == Some(0)), None),
        ActKind::Chat => (passed(fields.get("ok") == Some(&Value::Bool(true))), None),
        ActKind::Promql if series(fields).is_none() => {
            (StepOutcome::Unknown, Some(words::NO_DATA.to_owned()))
        }
        ActKind::Promql | ActKind::Logs | ActKind::Trace => (StepOutcome::Passed, None),
    }
}

/// Where a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// With the next step.
    On,
    /// With this one, by its number.
    To(usize),
    /// Nowhere.
    Stop,
}

/// Where a run goes on after a step.
pub(super) fn next(action: &Action, outcome: StepOutcome) -> Next {
    let settings = &action.settings;
    match outcome {
        StepOutcome::Passed => settings.on_pass.map_or(Next::On, Next::To),
        StepOutcome::Skipped => Next::On,
        StepOutcome::Stopped => Next::Stop,
        StepOutcome::Failed | StepOutcome::Unknown | StepOutcome::TimedOut => match settings.on_fail {
            Some(OnFail::Continue) => Next::On,
            Some(OnFail::Stop) => Next::Stop,
            Some(OnFail::Goto(number)) => Next::To(number),
            None if action.changes => Next::Stop,
            None => Next::On,
        },
    }
}

/// Whether a step may run at once with those beside it: it only reads, asks nobody, and the run goes on with the next
/// one whatever it says.
pub(super) fn runs_beside(action: &Action) -> bool {
    let settings = &action.settings;
    let goes_on = settings.on_pass.is_none() && matches!(settings.on_fail, None | Some(OnFail::Continue));
    let asks = settings.approve.is_some() || settings.confirm.is_some() || settings.lock.is_some();
    goes_on && !asks && !action.changes
}
