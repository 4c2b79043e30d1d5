//! The figures of runbooks as a table for people and as a line for programs. Never a mean: medians, and the runs behind
//! them.

use std::{
    fs::{self, File},
    io::{self, Write},
};

use super::Wanted;
use crate::report::{cell, machine};

/// One number that was measured once.
#[derive(Debug, Clone)]
pub struct Figure {
    pub name: String,
    pub unit: &'static str,
    pub value: f64,
}

impl Figure {
    pub fn new(name: impl Into<String>, unit: &'static str, value: f64) -> Self {
        Self { name: name.into(), unit, value }
    }
}

/// Appends the figures to `runbooks.jsonl` and writes `runbooks.md`; answers the block.
pub fn write(figures: &[Figure], wanted: &Wanted, busy: &str) -> io::Result<String> {
    fs::create_dir_all(&wanted.out)?;
    let mut file = File::options().create(true).append(true).open(wanted.out.join("runbooks.jsonl"))?;
    let runs: Vec<serde_json::Value> = figures
        .iter()
        .map(|f| serde_json::json!({"figure": f.name, "unit": f.unit, "value": f.value}))
        .collect();
    let kept = serde_json::json!({
        "machine": machine(), "load_before": busy, "rounds": wanted.rounds, "smoke": wanted.smoke,
        "figures": runs,
    });
    writeln!(file, "{kept}")?;
    let mut block = format!(
        "{}; load average before {busy}; {} rounds, medians (all runs in brackets).\n\n| | |\n| --- | ---: |\n",
        machine(),
        wanted.rounds,
    );
    let mut names: Vec<&str> = Vec::new();
    for figure in figures {
        if names.contains(&figure.name.as_str()) {
            continue;
        }
        names.push(&figure.name);
        let runs: Vec<f64> = figures.iter().filter(|f| f.name == figure.name).map(|f| f.value).collect();
        let unit = if figure.unit.is_empty() { String::new() } else { format!(", {}", figure.unit) };
        let line = format!("| {}{unit} | {} |\n", figure.name, cell(&runs));
        block += &line;
    }
    fs::write(wanted.out.join("runbooks.md"), &block)?;
    Ok(block)
}
