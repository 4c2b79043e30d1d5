//! The figures as a table for people and as a line for programs. Never a mean: medians, and the runs behind them.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use crate::{measure::Figure, subject::Kind};

/// Appends the figures to `figures.jsonl` and writes `figures.md`; answers the table.
pub fn write(figures: &[Figure], folder: &Path, rounds: usize) -> io::Result<String> {
    fs::create_dir_all(folder)?;
    let mut file = File::options().create(true).append(true).open(folder.join("figures.jsonl"))?;
    let runs: Vec<serde_json::Value> = figures
        .iter()
        .map(|f| serde_json::json!({"of": f.kind.name(), "figure": f.name, "unit": f.unit, "value": f.value}))
        .collect();
    let machine = machine();
    writeln!(file, "{}", serde_json::json!({"machine": machine, "rounds": rounds, "figures": runs}))?;
    let table = table(figures, &machine, rounds);
    fs::write(folder.join("figures.md"), &table)?;
    Ok(table)
}

/// Processor and cores.
pub fn machine() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{}, {cores} cores", name.trim_start_matches([' ', '\t', ':']))
}

/// Programs that wanted a core in the last minute: how busy the machine was with other things before.
pub fn busy() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}

/// A Markdown table: medians, their ratio, all runs.
fn table(figures: &[Figure], machine: &str, rounds: usize) -> String {
    let mut table = format!(
        "{machine}; {rounds} rounds in turns, medians (all runs in brackets).\n\n\
         | | Alertmanager 0.25 | Watchbell | ratio |\n| --- | ---: | ---: | ---: |\n"
    );
    let mut names: Vec<&str> = Vec::new();
    for figure in figures.iter().filter(|figure| !names.contains(&figure.name.as_str())).collect::<Vec<_>>() {
        if names.contains(&figure.name.as_str()) {
            continue;
        }
        names.push(&figure.name);
        let runs = |kind| -> Vec<f64> {
            figures.iter().filter(|f| f.name == figure.name && f.kind == kind).map(|f| f.value).collect()
        };
        let (theirs, ours) = (runs(Kind::Alertmanager), runs(Kind::Watchbell));
        let ratio = match (median(&theirs), median(&ours)) {
            (Some(theirs), Some(ours)) if theirs > 0.0 => {
                let better = if figure.more { ours >= theirs } else { ours <= theirs };
                format!("{:.2} {}", ours / theirs, if better { "better" } else { "worse" })
            }
            _ => "–".to_owned(),
        };
        let (theirs, ours) = (cell(&theirs), cell(&ours));
        let line = format!("| {}, {} | {theirs} | {ours} | {ratio} |\n", figure.name, figure.unit);
        table += &line;
    }
    table
}

pub fn cell(runs: &[f64]) -> String {
    let Some(median) = median(runs) else { return "–".to_owned() };
    let all: Vec<String> = runs.iter().map(|run| number(*run)).collect();
    format!("**{}** ({})", number(median), all.join(", "))
}

fn number(value: f64) -> String {
    if value >= 1000.0 {
        let digits = format!("{value:.0}");
        let (thousands, rest) = digits.split_at(digits.len() - 3);
        format!("{thousands},{rest}")
    } else if value >= 100.0 {
        format!("{value:.0}")
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

pub fn median(runs: &[f64]) -> Option<f64> {
    let mut runs = runs.to_vec();
    runs.sort_by(f64::total_cmp);
    let middle = runs.len() / 2;
    if runs.len() % 2 == 1 {
        runs.get(middle).copied()
    } else {
        Some(runs.get(middle.checked_sub(1)?)?.midpoint(*runs.get(middle)?))
    }
}
