//! Words of forms that are made from the specs of commands. Never names a command by itself.

use super::scene::capital;

/// The heading: `Status INC-7`, or `Incident open` where nothing is named.
#[must_use]
pub fn title(path: &[&str], subjects: &[&str]) -> String {
    match path.last().filter(|_| !subjects.is_empty()) {
        Some(last) if path.len() > 1 => format!("{} {}", capital(last), subjects.join(" ")),
        _ => capital(&path.join(" ")),
    }
}

/// The button that sends it.
#[must_use]
pub fn send() -> &'static str {
    "Send"
}

/// One of the values of a list: `P1 · High: a major function is impaired`.
#[must_use]
pub fn choice(value: &str, about: &str) -> String {
    if about.is_empty() { capital(value) } else { format!("{value} · {about}") }
}
