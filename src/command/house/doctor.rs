//! `/watchbell doctor`: whether everything that the configuration names is set up as it has to be, seen from inside the
//! server. Changes nothing, and tells nobody anything but whoever asks.

use crate::{
    command::{
        Answer, Call, Reply,
        spec::{CommandSpec, Flag},
    },
    domain::person::Role,
    text::house::{self, Line},
};

/// `/watchbell doctor`
#[must_use]
pub fn spec() -> CommandSpec {
    CommandSpec::new(
        "/watchbell doctor",
        "Looks whether all is set up as it has to be, and says how to mend it.",
    )
    .role(Role::Operator)
    .flag(Flag::switch("all", "also what is well, line by line"))
    .example("/watchbell doctor")
    .example("/watchbell doctor --all")
}

/// Looks.
///
/// # Errors
/// When nobody looks after this house.
pub async fn run(call: &Call<'_>) -> Answer {
    let Some(caretaker) = call.desk.care.taker() else {
        return Err(Reply::refused(house::nobody_looks()).into());
    };
    let found = caretaker.examine().await;
    let lines: Vec<Line> = found
        .into_iter()
        .map(|found| Line { what: found.what, good: found.good, remedy: found.remedy })
        .collect();
    Ok(Reply::done(house::examined(&lines, call.has("all"))))
}
