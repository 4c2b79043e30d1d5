//! The course of a value beside its check: as a line of bars in words, and as a picture where people see pictures. Never
//! decides what a check says, and never lets a picture leave: that is a delivery of the engine's.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    chart::{self, Chart, Line},
    model::{Action, Step},
    prepared::{Prepared, one_line, patience},
    redact::redacted,
    run::{Over, Running, Told, index},
    world::{
        Fault, OUTPUT,
        fetch::Manner,
        promql::{self, Measured},
        shorten,
    },
};
use crate::{
    domain::{
        id::{PictureId, RunId},
        run::{Drawing, LINE_BYTES, RunIntent},
    },
    engine::Look,
    pictures::Pictures,
    text::runbook as words,
};

/// Bars of a line.
const BARS: usize = 16;
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Series that get a line of bars.
const LINES: usize = 8;

/// Where pictures are made.
#[derive(Clone, Default)]
pub(super) struct Studio {
    pictures: Option<Pictures>,
    /// Dark or not, each that somebody sees.
    grounds: BTreeSet<bool>,
}

impl Studio {
    pub fn new(pictures: Pictures, grounds: BTreeSet<bool>) -> Self {
        Self { pictures: Some(pictures), grounds }
    }

    /// Draws it on every ground. Takes time: not for a thread that others wait for.
    fn draw(&self, chart: &Chart, words: String) -> Result<Option<Drawing>, String> {
        let Some(pictures) = &self.pictures else { return Ok(None) };
        let mut drawing = Drawing { light: None, dark: None, words };
        for dark in self.grounds.iter().copied() {
            let png = chart::png(&Chart { dark, ..chart.clone() }).map_err(|error| error.to_string())?;
            let kept: PictureId = pictures.keep(&png).map_err(|error| error.to_string())?;
            *if dark { &mut drawing.dark } else { &mut drawing.light } = Some(kept);
        }
        Ok(drawing.on(false).is_some().then_some(drawing))
    }
}

/// What was found over time.
pub(super) struct Course {
    lines: Vec<Line>,
    from: Timestamp,
    until: Timestamp,
}

impl Running {
    /// Asks for the course of a value that has a chart; none: it has none, it is not wanted, or the run was
    /// stopped.
    pub(super) async fn course_when(
        &self,
        wanted: bool,
        action: &Action,
        prepared: &Prepared,
    ) -> Option<Result<Course, Fault>> {
        let (Prepared::Promql(query), Some(back), true) = (prepared, action.settings.chart, wanted) else {
            return None;
        };
        let until = self.desk.engine.read(|look| look.now.civil).await.ok()?;
        let from = until.checked_sub(back).ok()?;
        let manner = Manner { timeout: patience(action), fresh: self.place.fresh(action) };
        let (fetch, reach) = (&self.place.world.fetch, self.place.reach(action));
        let mut stopped = self.stop.subscribe();
        let found = tokio::select! {
            found = promql::over(fetch, &reach, query, (from, until), manner) => found,
            _ = stopped.wait_for(|stop| *stop) => return None,
        };
        let cover = |name: &str| redacted(action, self.place.secrets.cover(name));
        Some(found.map(|measured: Measured| {
            let mut lines = measured.lines();
            for line in &mut lines {
                line.name = cover(&line.name);
            }
            Course { lines, from, until }
        }))
    }

    /// Adds the course to what is told of a step, and has it drawn for the rooms in which the run streams.
    pub(super) async fn show_course(
        &self,
        action: &Action,
        course: Option<Result<Course, Fault>>,
        told: &mut Told,
    ) -> Result<(), Over> {
        let course = match course {
            None => return Ok(()),
            Some(Err(fault)) => {
                let why = self.place.secrets.cover(&fault.to_string());
                add(told, &words::no_course(&one_line(&why)));
                return Ok(());
            }
            Some(Ok(course)) => course,
        };
        let unit = action.settings.unit.as_deref().unwrap_or_default();
        let bars: Vec<String> = course.lines.iter().take(LINES).filter_map(|line| bars(line, unit)).collect();
        if bars.is_empty() {
            return Ok(());
        }
        add(told, &bars.join("\n"));
        if let [only] = bars.as_slice() {
            told.line = one_line(&format!("{} {only}", told.line));
        }
        if self.plan.channels.is_empty() {
            return Ok(());
        }
        let title = self.heading(action);
        let back = action.settings.chart.unwrap_or_default();
        let mut said = words::pictured(self.id, &title, back, &bars);
        shorten(&mut said, LINE_BYTES);
        let Some(chart) = self.chart(action, course, title).await else { return Err(Over) };
        let studio = self.studio.clone();
        let drawn = tokio::task::spawn_blocking(move || studio.draw(&chart, said)).await;
        match drawn.map_err(|error| error.to_string()).and_then(|drawn| drawn) {
            Ok(None) => {}
            Ok(Some(drawing)) => {
                // Before its outcome is told: a crash in between does the step again, and no picture is lost.
                let draw = RunIntent::Draw { run: self.id, step: index(action), drawing };
                if let Err(no) = self.tell(draw).await? {
                    tracing::warn!(run = %self.id, ?no, "a picture was not taken");
                }
            }
            Err(why) => {
                tracing::warn!(run = %self.id, why, "a picture could not be made");
                add(told, words::NO_PICTURE);
            }
        }
        Ok(())
    }

    fn heading(&self, action: &Action) -> String {
        let of = |step: &&Step| step.actions.iter().any(|one| one.number == action.number);
        self.runbook.steps.iter().find(of).map(|step| step.title.clone()).unwrap_or_default()
    }

    /// What is drawn; none: the engine has stopped.
    async fn chart(&self, action: &Action, course: Course, title: String) -> Option<Chart> {
        let id = self.id;
        let mark = self.desk.engine.read(move |look| mark(look, id)).await.ok()?;
        let settings = &action.settings;
        let expected = || settings.expect.as_ref().and_then(|expect| limit(expect.text()));
        Some(Chart {
            title,
            unit: settings.unit.clone().unwrap_or_default(),
            lines: course.lines,
            threshold: settings.threshold.or_else(expected),
            mark,
            from: course.from,
            until: course.until,
            zone: self.caller.zone.clone(),
            dark: false,
        })
    }
}

/// The start of the incident that a run is about, else that of its alerts.
fn mark(look: &Look<'_>, id: RunId) -> Option<(Timestamp, String)> {
    let run = look.state.run(id)?;
    let incident = look.state.incident_of_run(run).and_then(|id| look.state.incidents.get(&id));
    if let Some(incident) = incident {
        return Some((incident.opened_at, incident.id.to_string()));
    }
    let group = look.state.groups.get(&run.plan.group?)?;
    let alerts = group.firing.iter().filter_map(|alert| look.state.alerts.get(alert));
    let first = alerts.map(|alert| alert.starts_at).min().unwrap_or(group.opened_at);
    Some((first, group.id.to_string()))
}

/// One more line of what a step said.
fn add(told: &mut Told, line: &str) {
    if !told.shown.is_empty() {
        told.shown.push('\n');
    }
    told.shown.push_str(line);
    told.cut += shorten(&mut told.shown, OUTPUT);
}

/// The limit that a check names, when it is no more than that: `value < 70`.
fn limit(expect: &str) -> Option<f64> {
    let rest = expect.trim().strip_prefix("value")?.trim_start();
    let number = ["<=", ">=", "<", ">"].into_iter().find_map(|sign| rest.strip_prefix(sign))?;
    number.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// `▁▂▃▅▇ 12 … 68 %`; none when there is no value.
fn bars(line: &Line, unit: &str) -> Option<String> {
    let values: Vec<f64> =
        line.points.iter().map(|(_, value)| *value).filter(|value| value.is_finite()).collect();
    let low = values.iter().copied().reduce(f64::min)?;
    let high = values.iter().copied().reduce(f64::max)?;
    let drawn: String = values
        .chunks(values.len().div_ceil(BARS))
        .filter_map(|some| some.iter().copied().reduce(f64::max))
        .map(|value| bar(value, low, high))
        .collect();
    let (from, to) = (chart::value(low, unit), chart::value(high, unit));
    // The unit once, when both have the same.
    let bare = match (from.rsplit_once(' '), to.rsplit_once(' ')) {
        (Some((bare, one)), Some((_, other))) if one == other => bare.to_owned(),
        _ => from.clone(),
    };
    let range = if from == to { to } else { format!("{bare} … {to}") };
    let name = if line.name.is_empty() { String::new() } else { format!("{}: ", line.name) };
    Some(format!("{name}{drawn} {range}"))
}

fn bar(value: f64, low: f64, high: f64) -> char {
    // Halves: the distance of two huge values is no number any more.
    let share = (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
    let steps = [0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875];
    let height = if share.is_finite() { steps.iter().filter(|step| share > **step).count() } else { 0 };
    HEIGHTS.get(height).copied().unwrap_or('▁')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, values: &[f64]) -> Line {
        let at = |second| Timestamp::from_second(second).unwrap();
        Line { name: name.into(), points: (0..).map(at).zip(values.iter().copied()).collect() }
    }

    #[test]
    fn a_course_is_a_line_of_bars_between_its_lowest_and_its_highest() {
        for (name, values, unit, expected) in [
            ("", vec![12.0, 30.0, 40.0, 55.0, 68.0], "%", Some("▁▃▄▇█ 12 … 68 %")),
            ("a", vec![0.5, f64::NAN, 2.0], "s", Some("a: ▁█ 500 ms … 2 s")),
            ("", vec![5.0, 5.0], "", Some("▁▁ 5")),
            ("", vec![f64::MIN, f64::MAX], "", Some("▁█ -1.8e308T … 1.8e308T")),
            ("", vec![f64::NAN], "%", None),
            ("", vec![], "%", None),
        ] {
            let found = bars(&line(name, &values), unit);
            if values.contains(&f64::MAX) {
                assert!(found.unwrap().starts_with("▁█ "));
                continue;
            }
            assert_eq!(found.as_deref(), expected, "{values:?}");
        }
        let many: Vec<f64> = (0..203).map(f64::from).collect();
        let drawn = bars(&line("", &many), "").unwrap();
        assert!(drawn.starts_with('▁') && drawn.ends_with("█ 0 … 202"), "{drawn}");
        assert_eq!(drawn.chars().filter(|letter| HEIGHTS.contains(letter)).count(), BARS);
    }

    #[test]
    fn a_limit_is_taken_from_a_check_that_is_no_more_than_one() {
        for (expect, found) in [
            ("value < 70", Some(70.0)),
            ("value >= 0.5", Some(0.5)),
            ("value < 70 and value > 3", None),
            ("series | length < 3", None),
            ("value < limit", None),
            ("value == 3", None),
        ] {
            assert_eq!(limit(expect), found, "{expect}");
        }
    }

    #[test]
    fn pictures_are_drawn_on_the_grounds_that_somebody_sees() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = Pictures::below(folder.path());
        let at = |second| Timestamp::from_second(second).unwrap();
        let chart = Chart {
            title: "CPU".into(),
            unit: "%".into(),
            lines: vec![line("", &[1.0, 2.0])],
            threshold: None,
            mark: None,
            from: at(0),
            until: at(2),
            zone: jiff::tz::TimeZone::UTC,
            dark: false,
        };
        let draw = |grounds: &[bool]| {
            let studio = Studio::new(pictures.clone(), grounds.iter().copied().collect());
            studio.draw(&chart, "CPU".into()).unwrap()
        };
        assert_eq!(draw(&[]), None);
        assert_eq!(Studio::default().draw(&chart, String::new()), Ok(None));
        let both = draw(&[false, true]).unwrap();
        assert!(both.light.is_some() && both.dark.is_some() && both.light != both.dark);
        let dark = draw(&[true]).unwrap();
        assert_eq!((dark.light.as_ref(), dark.on(false)), (None, both.dark.as_ref()));
        assert!(pictures.find(dark.on(true).unwrap()).unwrap().starts_with(b"\x89PNG"));
    }
}
