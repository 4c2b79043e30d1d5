//! Health from several sources, one of which is slow: how much longer the whole takes than that one. Never an answer
//! that somebody got before: each call asks an environment of its own.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::{
    Effort,
    house::{House, say},
    outcome::Figure,
};
use crate::{client::percentile, measure::millis};

/// How long the slow source takes.
const SLOW: Duration = Duration::from_millis(250);
/// Somebody who may look.
const PEOPLE: &str = "[person.ana]\nname = \"Ana Ruiz\"\nroles = [\"responder\", \"operator\"]\n";
/// Six sources, each its own step.
const SIX: &str = "---
command: /bench six
summary: Health from six sources.
role: viewer
sources: [answers, slow, kubo, up, cpu, memory]
---

# Six sources

## It answers

```http
#| name: answers
#| expect: status == 200 and json.data.status == \"healthy\"
GET {{ qflow.url }}/health
```

## The slow one

```http
#| name: slow
#| expect: status == 200
GET {{ squid.url }}/health
```

## IPFS

```http
#| name: kubo
#| expect: status == 200
GET {{ ipfs.url }}/api/v0/version
```

## Up

```promql
#| name: up
#| expect: value == 1
up
```

## CPU

```promql
#| name: cpu
#| expect: value < 70
cpu
```

## Memory

```promql
#| name: memory
#| expect: value < 80
memory
```
";

/// The figures, once.
pub fn measure(binary: &Path, folder: &Path, effort: Effort) -> Result<Vec<Figure>, String> {
    let all = effort.calls + effort.unmeasured;
    let takes = |system: &str, _: &str| if system == "squid" { SLOW } else { Duration::ZERO };
    let house = House::open(binary, folder, &[("bench-six.md", SIX)], 2 * all, PEOPLE, takes)?;
    // Six requests; of the eleven steps of the repository's own thirteen, with the courses of CPU and memory over time.
    let six = more_than_the_slowest(&house, "/bench six", 6, 0..all, effort)?;
    let whole = more_than_the_slowest(&house, "/qflow health", 13, all..2 * all, effort)?;
    Ok(vec![
        Figure::new("six sources, more than the slowest, median", "ms", millis(percentile(&six, 50))),
        Figure::new("six sources, more than the slowest, 99 of 100", "ms", millis(percentile(&six, 99))),
        Figure::new("`/qflow health`, more than the slowest, median", "ms", millis(percentile(&whole, 50))),
        Figure::new(
            "`/qflow health`, more than the slowest, 99 of 100",
            "ms",
            millis(percentile(&whole, 99)),
        ),
    ])
}

/// From before the call is sent until its answer is there, less what the slowest source took by its own account;
/// sorted.
fn more_than_the_slowest(
    house: &House,
    command: &str,
    requests: usize,
    environments: std::ops::Range<usize>,
    effort: Effort,
) -> Result<Vec<Duration>, String> {
    let mut times = Vec::new();
    for (number, environment) in environments.enumerate() {
        let environment = format!("at-{environment}");
        let text = format!("{command} --env {environment}");
        let began = Instant::now();
        let said = say(house.watchbell.port, "ana", None, &text)?;
        let took = began.elapsed();
        let asked = house.asked(&environment);
        if asked.requests != requests || asked.longest < SLOW || !said.contains("passed") {
            return Err(format!(
                "{text}: {} requests, {said}\n{}",
                asked.requests,
                house.watchbell.process.tail()
            ));
        }
        if number >= effort.unmeasured {
            times.push(took.saturating_sub(asked.longest));
        }
    }
    times.sort_unstable();
    Ok(times)
}
