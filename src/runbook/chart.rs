//! Charts: what `promql` found over time, as an SVG of our own and the PNG of it. Never asks anybody for data, and
//! never shows a text as anything but text.

use std::{
    fmt::Write as _,
    sync::{Arc, LazyLock},
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree, fontdb},
};

use crate::text::plain::plain;

/// Letters of the charts, so that they look the same on every machine.
static FONT: &[u8] = include_bytes!("font/DejaVuSans-subset.ttf");
const FAMILY: &str = "DejaVu Sans";

/// Of the picture, in units of the SVG.
const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 400.0;
/// Pixels for one unit: sharp on a telephone.
const SCALE: f32 = 2.0;
/// Around the plot.
const LEFT: f64 = 78.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 58.0;
/// Below the plot: the axis, and a row of names.
const BOTTOM: f64 = 70.0;
/// More lines than this cannot be told apart; the rest is counted.
const LINES: usize = 8;
/// Characters of a name below the plot.
const NAME: usize = 22;
/// Steps of the vertical axis, about.
const STEPS: f64 = 5.0;

/// Colours that can be told apart with any kind of colour vision: Okabe and Ito, "Color Universal Design" (2008),
/// black left out.
const COLOURS: [&str; LINES] =
    ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a800", "#8c8c8c"];

/// The same for a dark ground, the light blue first.
const ON_DARK: [&str; LINES] =
    ["#56b4e9", "#e69f00", "#00b386", "#cc79a7", "#f0e442", "#e8743b", "#3d8fd1", "#a6a6a6"];

/// What is drawn.
#[derive(Debug, Clone)]
pub struct Chart {
    /// What it shows, on one line.
    pub title: String,
    /// The unit of its values (`%`, `s`, `bytes`); empty: none.
    pub unit: String,
    /// One line each.
    pub lines: Vec<Line>,
    /// The value that is not to be crossed.
    pub threshold: Option<f64>,
    /// An instant that matters (an incident's start), and its name.
    pub mark: Option<(Timestamp, String)>,
    /// The first instant.
    pub from: Timestamp,
    /// The last instant; after `from`.
    pub until: Timestamp,
    /// In which zone times are written.
    pub zone: TimeZone,
    /// Light letters on a dark ground.
    pub dark: bool,
}

/// One series.
#[derive(Debug, Clone)]
pub struct Line {
    /// What it is called below the plot.
    pub name: String,
    /// Its values in order of time; a value that is not finite is a gap.
    pub points: Vec<(Timestamp, f64)>,
}

/// Why no picture could be made; a fault of ours.
#[derive(Debug, thiserror::Error)]
#[error("the chart could not be drawn: {0}")]
pub struct NotDrawn(String);

/// How the two grounds are coloured.
struct Palette {
    ground: &'static str,
    letters: &'static str,
    faint: &'static str,
    grid: &'static str,
    limit: &'static str,
    lines: [&'static str; LINES],
}

const LIGHT: Palette = Palette {
    ground: "#ffffff",
    letters: "#1d1c1d",
    faint: "#616061",
    grid: "#e4e4e6",
    limit: "#c4314b",
    lines: COLOURS,
};
const DARK: Palette = Palette {
    ground: "#1f2125",
    letters: "#f2f3f5",
    faint: "#a9adb5",
    grid: "#383b42",
    limit: "#ff6b81",
    lines: ON_DARK,
};

/// The vertical axis: from, to, and the distance of its steps.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

impl Axis {
    /// Around all values that are shown, with round steps; zero belongs to it when it is near.
    fn around(values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.filter(|value| is_drawn(*value)) {
            low = low.min(value);
            high = high.max(value);
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if low > 0.0 && low < high * 0.6 {
            low = 0.0;
        }
        if high < 0.0 && high > low * 0.6 {
            high = 0.0;
        }
        if high - low <= f64::EPSILON * high.abs().max(1.0) {
            let room = if high == 0.0 { 1.0 } else { high.abs() * 0.1 };
            (low, high) = (low - room, high + room);
        }
        let step = round_step((high - low) / STEPS);
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step, step }
    }

    fn y(&self, value: f64) -> f64 {
        let share = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        TOP + (1.0 - share) * plot_height()
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        // Whole steps are counted, so that no error adds up.
        let first = (self.low / self.step).round();
        let count = ((self.high - self.low) / self.step).round().clamp(0.0, 20.0);
        let (step, mut at) = (self.step, 0.0);
        std::iter::from_fn(move || {
            let tick = (at <= count).then_some((first + at) * step);
            at += 1.0;
            tick
        })
    }
}

fn plot_height() -> f64 {
    HEIGHT - TOP - BOTTOM
}

fn plot_width() -> f64 {
    WIDTH - LEFT - RIGHT
}

/// Beyond this a distance between two values is no number any more.
fn is_drawn(value: f64) -> bool {
    value.abs() < 1e300
}

/// 1, 2 or 5 times a power of ten, not below `rough`.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough * 0.999);
    factor.unwrap_or(10.0) * power
}

/// A value with its unit, as short as it can be read: `1.5k`, `70 %`, `2.1 GiB`, `350 ms`.
#[must_use]
pub fn value(value: f64, unit: &str) -> String {
    let magnitude = value.abs();
    let scaled = |number: f64, suffix: &str| format!("{} {suffix}", digits(number)).trim_end().to_owned();
    match unit {
        "bytes" | "B" => {
            let names = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
            let (mut number, mut at) = (value, 0);
            while number.abs() >= 1024.0 && at + 1 < names.len() {
                number /= 1024.0;
                at += 1;
            }
            scaled(number, names.get(at).copied().unwrap_or_default())
        }
        "s" | "seconds" if magnitude > 0.0 && magnitude < 0.001 => scaled(value * 1e6, "µs"),
        "s" | "seconds" if magnitude > 0.0 && magnitude < 1.0 => scaled(value * 1e3, "ms"),
        "s" | "seconds" if magnitude < 120.0 => scaled(value, "s"),
        "s" | "seconds" if magnitude < 7200.0 => scaled(value / 60.0, "min"),
        "s" | "seconds" => scaled(value / 3600.0, "h"),
        _ => {
            let short = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")];
            let number = match short.into_iter().find(|(from, _)| magnitude >= *from) {
                Some((1e4, _)) => format!("{}k", digits(value / 1e3)),
                Some((by, letter)) => format!("{}{letter}", digits(value / by)),
                None => digits(value),
            };
            if unit.is_empty() { number } else { format!("{number} {unit}") }
        }
    }
}

/// Three digits that count, without zeros behind them.
fn digits(number: f64) -> String {
    if !number.is_finite() {
        return "–".to_owned();
    }
    let text = match number.abs() {
        0.0 => return "0".to_owned(),
        size if size >= 1e6 => return format!("{number:.1e}"),
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        size if size >= 1.0 => format!("{number:.2}"),
        size if size >= 0.001 => format!("{number:.4}"),
        _ => return format!("{number:.1e}"),
    };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Instants of the horizontal axis: round ones, five to eight of them, and how they are written.
fn instants(chart: &Chart) -> Vec<(Timestamp, String)> {
    const STEPS: [i64; 16] = [
        15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    ];
    let span = chart.until.duration_since(chart.from).as_secs().max(1);
    let step = STEPS.into_iter().find(|step| span / step <= 7).unwrap_or(span / 6);
    let format = if step < 60 {
        "%H:%M:%S"
    } else if step < 86_400 {
        "%H:%M"
    } else {
        "%b %-d"
    };
    // Round in the zone of the reader: midnight is a full day there.
    let offset = i64::from(chart.zone.to_offset(chart.from).seconds());
    let first = (chart.from.as_second() + offset).div_euclid(step) * step - offset;
    let all = (0..).map(|at| first + at * step);
    let inside = all.take_while(|second| *second <= chart.until.as_second());
    inside
        .filter(|second| *second >= chart.from.as_second())
        .filter_map(|second| Timestamp::from_second(second).ok())
        .map(|at| (at, at.to_zoned(chart.zone.clone()).strftime(format).to_string()))
        .collect()
}

fn x(chart: &Chart, at: Timestamp) -> f64 {
    let span = chart.until.duration_since(chart.from).as_secs_f64().max(1.0);
    LEFT + (at.duration_since(chart.from).as_secs_f64() / span).clamp(0.0, 1.0) * plot_width()
}

/// The picture as SVG.
#[must_use]
pub fn svg(chart: &Chart) -> String {
    let palette = if chart.dark { DARK } else { LIGHT };
    let shown = chart.lines.get(..LINES).unwrap_or(&chart.lines);
    let values = shown.iter().flat_map(|line| line.points.iter().map(|(_, value)| *value));
    let axis = Axis::around(values.chain(chart.threshold));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"{FAMILY}\">\
         <rect width=\"100%\" height=\"100%\" fill=\"{}\"/>",
        palette.ground
    );
    write(&mut svg, 24.0, 32.0, 17.0, palette.letters, "start", &plain(&chart.title, 70));
    draw_grid(&mut svg, chart, &axis, &palette);
    for (line, colour) in shown.iter().zip(palette.lines) {
        draw_line(&mut svg, chart, &axis, line, colour);
    }
    draw_threshold(&mut svg, chart, &axis, &palette);
    draw_mark(&mut svg, chart, &palette);
    draw_names(&mut svg, chart, shown, &palette);
    svg.push_str("</svg>");
    svg
}

fn draw_grid(svg: &mut String, chart: &Chart, axis: &Axis, palette: &Palette) {
    for tick in axis.ticks() {
        let y = axis.y(tick);
        let right = WIDTH - RIGHT;
        stroke(svg, (LEFT, y), (right, y), palette.grid, "");
        write(svg, LEFT - 10.0, y + 4.0, 12.0, palette.faint, "end", &value(tick, &chart.unit));
    }
    let base = TOP + plot_height();
    let zone = chart.from.to_zoned(chart.zone.clone()).strftime("%Z").to_string();
    write(svg, LEFT - 24.0, base + 20.0, 12.0, palette.faint, "end", &zone);
    for (at, name) in instants(chart) {
        let x = x(chart, at);
        stroke(svg, (x, base), (x, base + 5.0), palette.faint, "");
        write(svg, x, base + 20.0, 12.0, palette.faint, "middle", &name);
    }
}

fn draw_line(svg: &mut String, chart: &Chart, axis: &Axis, line: &Line, colour: &str) {
    let inside = |at: Timestamp| at >= chart.from && at <= chart.until;
    for run in line.points.split(|(at, value)| !is_drawn(*value) || !inside(*at)) {
        match run {
            [] => {}
            [(at, value)] => {
                let (x, y) = (x(chart, *at), axis.y(*value));
                let _ = write!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{colour}\"/>");
            }
            run => {
                svg.push_str("<polyline fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\" ");
                let _ = write!(svg, "stroke=\"{colour}\" points=\"");
                for (at, value) in run {
                    let _ = write!(svg, "{:.1},{:.1} ", x(chart, *at), axis.y(*value));
                }
                svg.push_str("\"/>");
            }
        }
    }
}

fn draw_threshold(svg: &mut String, chart: &Chart, axis: &Axis, palette: &Palette) {
    let Some(threshold) = chart.threshold.filter(|threshold| is_drawn(*threshold)) else { return };
    let y = axis.y(threshold);
    stroke(
        svg,
        (LEFT, y),
        (WIDTH - RIGHT, y),
        palette.limit,
        " stroke-dasharray=\"7 5\" stroke-width=\"1.6\"",
    );
    let name = format!("limit {}", value(threshold, &chart.unit));
    // Above the line, or below it where it is at the top.
    let beside = if y < TOP + 16.0 { y + 15.0 } else { y - 6.0 };
    write(svg, WIDTH - RIGHT - 4.0, beside, 12.0, palette.limit, "end", &name);
}

fn draw_mark(svg: &mut String, chart: &Chart, palette: &Palette) {
    let Some((at, name)) = chart.mark.as_ref().filter(|(at, _)| *at >= chart.from && *at <= chart.until)
    else {
        return;
    };
    let x = x(chart, *at);
    stroke(svg, (x, TOP - 14.0), (x, TOP + plot_height()), palette.letters, " stroke-dasharray=\"2 3\"");
    let (anchor, beside) = if x > WIDTH * 0.8 { ("end", x - 5.0) } else { ("start", x + 5.0) };
    write(svg, beside, TOP - 6.0, 12.0, palette.letters, anchor, &plain(name, 40));
}

/// Names of the lines in two rows of four.
fn draw_names(svg: &mut String, chart: &Chart, shown: &[Line], palette: &Palette) {
    let base = TOP + plot_height();
    if shown.iter().all(|line| line.points.iter().all(|(_, value)| !is_drawn(*value))) {
        let middle = (LEFT + plot_width() / 2.0, TOP + plot_height() / 2.0);
        write(svg, middle.0, middle.1, 15.0, palette.faint, "middle", "no data");
    }
    let mut left = LEFT;
    let mut row = base + 40.0;
    // One line that is called nothing needs no name.
    let named =
        if shown.len() == 1 && chart.lines.iter().all(|line| line.name.is_empty()) { &[] } else { shown };
    for (at, (line, colour)) in named.iter().zip(palette.lines).enumerate() {
        if at == LINES / 2 {
            (left, row) = (LEFT, base + 58.0);
        }
        let _ = write!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"12\" height=\"4\" rx=\"2\" fill=\"{colour}\"/>",
            row - 6.0
        );
        write(svg, left + 18.0, row, 12.0, palette.letters, "start", &plain(&line.name, NAME));
        left += plot_width() / 4.0;
    }
    let more = chart.lines.len().saturating_sub(LINES);
    if more > 0 {
        let text = format!("and {more} more that are not drawn");
        write(svg, WIDTH - RIGHT, 32.0, 12.0, palette.faint, "end", &text);
    }
}

fn stroke(svg: &mut String, from: (f64, f64), to: (f64, f64), colour: &str, more: &str) {
    let ((x1, y1), (x2, y2)) = (from, to);
    let _ = write!(
        svg,
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\"{more}/>"
    );
}

fn write(svg: &mut String, x: f64, y: f64, size: f64, colour: &str, anchor: &str, text: &str) {
    let _ = write!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" fill=\"{colour}\" text-anchor=\"{anchor}\">"
    );
    for letter in text.chars() {
        match letter {
            '&' => svg.push_str("&amp;"),
            '<' => svg.push_str("&lt;"),
            '>' => svg.push_str("&gt;"),
            other => svg.push(other),
        }
    }
    svg.push_str("</text>");
}

/// The picture as PNG, 1600 by 800 pixels.
///
/// # Errors
/// A fault of ours; whatever the values are, the SVG is well-formed.
pub fn png(chart: &Chart) -> Result<Vec<u8>, NotDrawn> {
    static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(FONT.to_vec());
        Arc::new(fonts)
    });
    let options =
        Options { fontdb: Arc::clone(&FONTS), font_family: FAMILY.to_owned(), ..Options::default() };
    let fault = |what: &dyn std::fmt::Display| NotDrawn(what.to_string());
    let tree = Tree::from_str(&svg(chart), &options).map_err(|error| fault(&error))?;
    let size = tree.size().to_int_size().scale_by(SCALE).ok_or_else(|| fault(&"it has no size"))?;
    let mut pixels =
        Pixmap::new(size.width(), size.height()).ok_or_else(|| fault(&"there is no room for it"))?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| fault(&error))
}

/// The instants at which a range is asked for: its step, so that there are about 200 points.
#[must_use]
pub fn step(range: SignedDuration) -> SignedDuration {
    SignedDuration::from_secs((range.as_secs() / 200).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(dark: bool) -> Chart {
        let from: Timestamp = "2026-11-23T00:10:00Z".parse().unwrap();
        let points = |phase: f64, height: f64| {
            let at = |minute: i32| from + SignedDuration::from_mins(i64::from(minute));
            let wave = |minute: i32| height + (f64::from(minute) / 20.0 + phase).sin() * 18.0;
            let gap = |minute: i32| if (60..70).contains(&minute) { f64::NAN } else { wave(minute) };
            (0..180).map(|minute| (at(minute), gap(minute))).collect()
        };
        Chart {
            title: "CPU of <qflow> & its neighbours, by instance".into(),
            unit: "%".into(),
            lines: vec![
                Line { name: "qflow-1".into(), points: points(0.0, 45.0) },
                Line { name: "qflow-2 \u{1b}[31m".into(), points: points(2.0, 62.0) },
            ],
            threshold: Some(70.0),
            mark: Some((from + SignedDuration::from_mins(95), "INC-7".into())),
            from,
            until: from + SignedDuration::from_hours(3),
            zone: TimeZone::get("Europe/Madrid").unwrap(),
            dark,
        }
    }

    #[test]
    fn the_same_chart_is_the_same_picture_on_every_machine() {
        let one = |dark| {
            let mut chart = chart(dark);
            chart.lines.truncate(1);
            chart.lines.iter_mut().for_each(|line| line.name.clear());
            chart.mark = Some((chart.until - SignedDuration::from_mins(12), "G-17".into()));
            Chart { threshold: None, ..chart }
        };
        for dark in [false, true] {
            for (name, drawn) in [("several", chart(dark)), ("one", one(dark))] {
                let png = png(&drawn).unwrap();
                assert!(png.starts_with(b"\x89PNG") && png.len() > 10_000, "{} bytes", png.len());
                if let Ok(folder) = std::env::var("WATCHBELL_CHARTS") {
                    std::fs::write(format!("{folder}/{name}-{dark}.png"), png).unwrap();
                }
            }
        }
        assert_eq!(
            svg(&one(false)).matches("rx=\"2\"").count(),
            0,
            "what is called nothing has no name below"
        );
    }

    #[test]
    fn words_stay_words_and_all_that_matters_is_on_it() {
        let svg = svg(&chart(false));
        for part in ["CPU of &lt;qflow&gt; &amp; its", "qflow-2 [31m", "limit 70 %", "INC-7", "01:30", "80 %"]
        {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        // A gap in the data is a gap in the line: two lines of two pieces.
        assert_eq!(svg.matches("<polyline").count(), 4);
    }

    #[test]
    fn whatever_the_values_are_there_is_a_picture() {
        let at: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        for values in [
            vec![],
            vec![f64::NAN],
            vec![0.0],
            vec![5.0, 5.0, 5.0],
            vec![f64::INFINITY, 1.0],
            vec![-1e300, 1e300],
            vec![1e-300],
            vec![f64::MAX, f64::MIN],
        ] {
            let points = values.iter().map(|value| (at, *value)).collect();
            let lines =
                (0..12).map(|_| Line { name: "x".repeat(500), points: Vec::clone(&points) }).collect();
            let mut chart = Chart { lines, until: at, from: at, ..chart(true) };
            chart.threshold = values.first().copied();
            assert!(png(&chart).is_ok(), "{values:?}");
            let text = svg(&chart);
            assert!(text.contains("and 4 more"), "{values:?}");
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        }
    }

    #[test]
    fn steps_are_round_and_values_short() {
        for (values, low, high, step) in [
            (vec![0.0, 70.0], 0.0, 80.0, 20.0),
            (vec![42.0, 44.0], 42.0, 44.0, 0.5),
            (vec![0.2, 1.0], 0.0, 1.0, 0.2),
            (vec![5.0], 4.5, 5.5, 0.2),
        ] {
            let axis = Axis::around(values.clone().into_iter());
            assert!((axis.step - step).abs() < 1e-9, "{values:?} {axis:?}");
            assert!(axis.low <= low + 1e-9 && axis.high >= high - 1e-9, "{values:?} {axis:?}");
        }
        for (number, unit, expected) in [
            (70.0, "%", "70 %"),
            (0.35, "s", "350 ms"),
            (90.0, "s", "90 s"),
            (5400.0, "s", "90 min"),
            (2_254_857_830.0, "bytes", "2.1 GiB"),
            (1_500.0, "", "1500"),
            (15_000.0, "", "15k"),
            (0.000_02, "s", "20 µs"),
            (-3.25, "", "-3.25"),
            (0.0, "s", "0 s"),
        ] {
            assert_eq!(value(number, unit), expected, "{number} {unit}");
        }
    }
}
