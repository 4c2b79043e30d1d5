//! The figures of chat as tables for people and as a line for programs. Never a mean: medians, and the runs behind
//! them.

use std::{
    fs::{self, File},
    io::{self, Write},
};

use super::{Wanted, bots::Bot};
use crate::report::{cell, machine, median};

/// What an interaction's acknowledgement may take, and what Watchbell may take longer than Errbot; milliseconds.
const ACKNOWLEDGED: f64 = 50.0;
const LONGER: f64 = 1.0;

/// One number that was measured once.
#[derive(Debug, Clone)]
pub struct Figure {
    /// The platform or the bot.
    pub of: &'static str,
    pub name: &'static str,
    pub unit: &'static str,
    pub value: f64,
}

impl Figure {
    pub fn new(of: &'static str, name: &'static str, unit: &'static str, value: f64) -> Self {
        Self { of, name, unit, value }
    }
}

/// Appends the figures to `chat.jsonl` and writes `chat.md`; answers the block.
pub fn write(
    figures: &[Figure],
    bots: &[(Bot, String)],
    wanted: &Wanted,
    busy: String,
) -> io::Result<String> {
    fs::create_dir_all(&wanted.out)?;
    let mut file = File::options().create(true).append(true).open(wanted.out.join("chat.jsonl"))?;
    let runs: Vec<serde_json::Value> = figures
        .iter()
        .map(|f| serde_json::json!({"of": f.of, "figure": f.name, "unit": f.unit, "value": f.value}))
        .collect();
    let versions: Vec<String> =
        bots.iter().map(|(bot, version)| format!("{} {version}", bot.name())).collect();
    let kept = serde_json::json!({
        "machine": machine(), "load_before": busy, "rounds": wanted.rounds, "smoke": wanted.smoke,
        "versions": versions, "figures": runs,
    });
    writeln!(file, "{kept}")?;
    let head = format!(
        "{}; load average before {busy}; {}; {} rounds in turns, medians (all runs in brackets).\n\n",
        machine(),
        versions.join(", "),
        wanted.rounds,
    );
    let rate = cell(&runs_of(figures, "alerts", "alerts taken meanwhile"));
    let pressed = table(figures, &["Slack", "Discord"]);
    let names: Vec<&str> = bots.iter().map(|(bot, _)| bot.name()).collect();
    let block = format!(
        "{head}Interactions while {rate} alerts a second came in, ms:\n\n{pressed}\n\
         One message and its reply, on Slack:\n\n{}\n{}",
        table(figures, &names),
        goals(figures),
    );
    fs::write(wanted.out.join("chat.md"), &block)?;
    Ok(block)
}

fn runs_of(figures: &[Figure], of: &str, name: &str) -> Vec<f64> {
    figures.iter().filter(|f| f.of == of && f.name == name).map(|f| f.value).collect()
}

/// A Markdown table with one column for each platform or bot.
fn table(figures: &[Figure], columns: &[&str]) -> String {
    let mut table = format!("| | {} |\n| --- |{}\n", columns.join(" | "), " ---: |".repeat(columns.len()));
    let mut names: Vec<(&str, &str)> = Vec::new();
    for figure in figures.iter().filter(|figure| columns.contains(&figure.of)) {
        if !names.contains(&(figure.name, figure.unit)) {
            names.push((figure.name, figure.unit));
        }
    }
    for (name, unit) in names {
        let cells: Vec<String> = columns.iter().map(|of| cell(&runs_of(figures, of, name))).collect();
        let unit = if unit.is_empty() { String::new() } else { format!(", {unit}") };
        let line = format!("| {name}{unit} | {} |\n", cells.join(" | "));
        table += &line;
    }
    table
}

/// Whether what was promised is reached.
fn goals(figures: &[Figure]) -> String {
    let of = |of, name| median(&runs_of(figures, of, name));
    let mut lines = String::new();
    for platform in ["Slack", "Discord"] {
        if let Some(time) = of(platform, "acknowledged, 99 of 100") {
            let reached = if time < ACKNOWLEDGED { "reached" } else { "missed" };
            let line = format!(
                "{platform}: 99 of 100 acknowledged within {time:.1} ms; the goal of {ACKNOWLEDGED} ms is {reached}.\n"
            );
            lines += &line;
        }
    }
    let reply = "message to reply, median";
    if let (Some(ours), Some(theirs)) = (of("Watchbell", reply), of("Errbot", reply)) {
        let reached = if ours <= theirs + LONGER { "reached" } else { "missed" };
        let line = format!(
            "Median reply {ours:.2} ms beside Errbot's {theirs:.2}; the goal of at most {LONGER} ms more is {reached}.\n"
        );
        lines += &line;
    }
    lines
}
