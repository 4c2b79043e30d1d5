//! Pages while many runs are under way, and the same without them, by turns in one process. Never a figure when a run
//! did not end as it should.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use super::{
    Effort,
    house::{House, say},
    outcome::Figure,
};
use crate::{
    client::percentile,
    measure::{self, UNMEASURED, millis},
    peer::{SOON, process::until, server::Server},
    subject::{self, Grouping, Kind, Setting},
};

/// How long each answer takes that a run waits for.
const SLOW: Duration = Duration::from_secs(1);
/// A few requests one after the other; with `--program` something that is started, too.
const STEPS: &str = "---
command: /bench steps
summary: A few steps.
role: responder
examples: [/bench steps 7, /bench steps 8 --program]
arguments:
  - name: number
    type: number
    about: so that no two ask for the same
  - flag: --program
    about: a program is started, too
---

# A few steps

## First

```http
#| name: first
#| expect: status == 200
GET {{ qflow.url }}/first/{{ number }}
```

## Second

```http
#| name: second
#| when: first.ok
#| expect: status == 200
GET {{ squid.url }}/second/{{ number }}
```

## A program

```run
#| name: started
#| when: second.ok and program
#| reads: true
sleep 1
```

## Third

```http
#| name: third
#| when: second.ok
#| expect: status == 200
GET {{ qlock.url }}/third/{{ number }}
```
";

/// The figures, once.
pub fn measure(binary: &Path, folder: &Path, effort: Effort) -> Result<Vec<Figure>, String> {
    let phone = Server::start(|_| (200, String::new()));
    let more = format!(
        "{}\n[runbook]\nprograms = [\"sleep\"]\n",
        subject::watchbell(Setting::new(Grouping::Each, Some(phone.port)))
    );
    let house = House::open(binary, folder, &[("bench-steps.md", STEPS)], 1, &more, |_, _| SLOW)?;
    let port = house.watchbell.port;
    let (mut alone, mut beside, mut ended, mut next) = (Vec::new(), Vec::new(), 0, 0);
    let mut pages = || {
        let first = next;
        next += effort.pages + UNMEASURED;
        measure::alert_to_page(Kind::Watchbell, port, &phone, first..next)
            .map_err(|problem| format!("{problem}\n{}", house.watchbell.process.tail()))
    };
    for turn in 0..effort.turns {
        alone.extend(pages()?);
        let runs = Runs::start(port, turn, effort.runs);
        if until(SOON, || (house.asked("at-0").requests > 0).then_some(())).is_none() {
            runs.stop()?;
            return Err("no run asks anything".to_owned());
        }
        // All of them are under way, no two at the same step.
        thread::sleep(SLOW * 3);
        let before = runs.ended();
        beside.extend(pages()?);
        ended += runs.ended() - before;
        runs.stop()?;
    }
    alone.sort_unstable();
    beside.sort_unstable();
    let seconds =
        f64::from(effort.pages + UNMEASURED) / 50.0 * f64::from(u32::try_from(effort.turns).unwrap_or(1));
    Ok(vec![
        Figure::new("alert to page at 50/s, no runs, median", "ms", millis(percentile(&alone, 50))),
        Figure::new("alert to page at 50/s, no runs, 99 of 100", "ms", millis(percentile(&alone, 99))),
        Figure::new(
            format!("alert to page at 50/s, {} runs at once, median", effort.runs),
            "ms",
            millis(percentile(&beside, 50)),
        ),
        Figure::new(
            format!("alert to page at 50/s, {} runs at once, 99 of 100", effort.runs),
            "ms",
            millis(percentile(&beside, 99)),
        ),
        Figure::new(
            "runs that ended meanwhile",
            "/s",
            f64::from(u32::try_from(ended).unwrap_or(u32::MAX)) / seconds,
        ),
    ])
}

/// People who start one run after the other, each when the last has ended.
struct Runs {
    over: Arc<AtomicBool>,
    ended: Arc<AtomicUsize>,
    people: Vec<thread::JoinHandle<Result<(), String>>>,
}

impl Runs {
    fn start(port: u16, turn: usize, count: usize) -> Self {
        let (over, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let people = (0..count).map(|person| {
            let (over, ended) = (Arc::clone(&over), Arc::clone(&ended));
            thread::spawn(move || {
                // One after the other, so that they do not march in step.
                thread::sleep(
                    SLOW * 2 * u32::try_from(person).unwrap_or(0) / u32::try_from(count).unwrap_or(1),
                );
                for round in 0.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    let number = (turn * 1_000 + person) * 1_000 + round;
                    let program = if person % 4 == 0 { " --program" } else { "" };
                    let text = format!("/bench steps {number}{program}");
                    let said = say(port, "ana", Some("#bench"), &text)?;
                    if !said.contains("passed") {
                        return Err(format!("{text}: {said}"));
                    }
                    ended.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            })
        });
        Self { people: people.collect(), over, ended }
    }

    fn ended(&self) -> usize {
        self.ended.load(Ordering::Relaxed)
    }

    /// Waits for the last of them.
    fn stop(self) -> Result<(), String> {
        self.over.store(true, Ordering::Relaxed);
        for person in self.people {
            person.join().map_err(|_| "a run's thread broke off".to_owned())??;
        }
        Ok(())
    }
}
