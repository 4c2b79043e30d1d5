//! What Prometheus says: one value of each series now, or their course over a range. Never takes the absence of data
//! for a value.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Fault, Found, OUTPUT,
    fetch::{Answer, Fetch, Manner, Request},
    reach::Reach,
    secrets::Secrets,
    shorten,
};
use crate::{
    runbook::chart::{self, Line},
    text::plain::plain,
};

/// The service in an environment that is asked.
pub const SERVICE: &str = "prometheus";
/// Series that are looked at, at most.
const SERIES: usize = 200;
/// Series that are shown as text.
const SHOWN: usize = 20;

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What tells it from the others: `instance="db-1"`; empty when it has no labels.
    pub name: String,
    /// All its labels.
    pub labels: Map<String, Value>,
    /// Its values in order of time; of an instant query, one.
    pub points: Vec<(Timestamp, f64)>,
}

impl Series {
    /// Its latest value.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        self.points.last().map(|(_, value)| *value)
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The series, at most 200.
    pub series: Vec<Series>,
    /// How many more there were.
    pub more: usize,
}

#[derive(Deserialize)]
struct Reply {
    status: String,
    #[serde(default)]
    error: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Value,
}

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    metric: Map<String, Value>,
    value: Option<(f64, String)>,
    values: Option<Vec<(f64, String)>>,
}

/// The values now (at the server's own time).
///
/// # Errors
/// No usable answer.
pub async fn now(fetch: &Fetch, reach: &Reach, query: &str, manner: Manner) -> Result<Measured, Fault> {
    ask(fetch, reach, "api/v1/query", &[("query", query.to_owned())], manner).await
}

/// The course of the values, with about 200 points.
///
/// # Errors
/// No usable answer.
pub async fn over(
    fetch: &Fetch,
    reach: &Reach,
    query: &str,
    (from, until): (Timestamp, Timestamp),
    manner: Manner,
) -> Result<Measured, Fault> {
    let step = chart::step(until.duration_since(from)).as_secs();
    // On whole steps, so that two who ask within one share the answer.
    let until = until.as_second().div_euclid(step) * step;
    let from = from.as_second().div_euclid(step) * step;
    let words = [
        ("query", query.to_owned()),
        ("start", from.to_string()),
        ("end", until.to_string()),
        ("step", step.to_string()),
    ];
    ask(fetch, reach, "api/v1/query_range", &words, manner).await
}

async fn ask(
    fetch: &Fetch,
    reach: &Reach,
    path: &str,
    words: &[(&str, String)],
    manner: Manner,
) -> Result<Measured, Fault> {
    let service = reach.service(SERVICE)?;
    let mut url = super::below(service.url.expose(), path);
    url.query_pairs_mut().extend_pairs(words);
    let answer = fetch.ask(Request::get(url), reach, manner).await?;
    read(&answer)
}

fn read(answer: &Answer) -> Result<Measured, Fault> {
    let unknown = |what: String| Fault::Unknown(format!("Prometheus {what}"));
    if answer.cut > 0 {
        return Err(unknown("answered more than can be read: ask for fewer series".to_owned()));
    }
    let reply: Reply = serde_json::from_str(&answer.body)
        .map_err(|_| unknown(format!("answered {}, and not what its API answers", answer.status)))?;
    // The words of success with another status are somebody's who stands between.
    let Some(data) = reply.data.filter(|_| reply.status == "success" && answer.status < 300) else {
        let why = if reply.error.is_empty() { answer.status.to_string() } else { plain(&reply.error, 200) };
        return Err(unknown(format!("says: {why}")));
    };
    let rows = match data.result_type.as_str() {
        "scalar" => vec![json!({"value": data.result})],
        "vector" | "matrix" => match data.result {
            Value::Array(rows) => rows,
            _ => Vec::new(),
        },
        other => return Err(unknown(format!("answered a {}, which is no number", plain(other, 20)))),
    };
    let more = rows.len().saturating_sub(SERIES);
    let rows: Result<Vec<Row>, _> = rows.into_iter().take(SERIES).map(serde_json::from_value).collect();
    let rows = rows.map_err(|_| unknown("answered what its API does not say".to_owned()))?;
    let different = telling(&rows);
    let mut series: Vec<Series> = rows.into_iter().map(|row| one(row, &different)).collect();
    series.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Measured { series, more })
}

/// The labels in which the series differ.
fn telling(rows: &[Row]) -> Vec<String> {
    let mut names: Vec<&String> = rows.iter().flat_map(|row| row.metric.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let first = rows.first();
    let differs = |name: &&&String| {
        rows.iter().any(|row| row.metric.get(**name) != first.and_then(|first| first.metric.get(**name)))
    };
    names.iter().filter(differs).map(|name| (*name).clone()).collect()
}

fn one(row: Row, different: &[String]) -> Series {
    let label = |name: &String| {
        let value = row.metric.get(name).and_then(Value::as_str)?;
        Some(format!("{name}={}", plain(value, 60)))
    };
    let name = different.iter().filter_map(label).collect::<Vec<_>>().join(" ");
    let point = |(at, value): (f64, String)| {
        let at = SignedDuration::try_from_secs_f64(at).ok()?;
        Some((Timestamp::from_duration(at).ok()?, number(&value)))
    };
    let points = row.values.unwrap_or_default().into_iter().chain(row.value).filter_map(point).collect();
    Series { name, labels: row.metric, points }
}

/// Numbers as Prometheus writes them.
fn number(text: &str) -> f64 {
    match text {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        text => text.parse().unwrap_or(f64::NAN),
    }
}

impl Measured {
    /// What checks see: `series`, each with `labels`, `name` and `value`; and `value` when there is exactly one.
    #[must_use]
    pub fn into_found(self, unit: &str, secrets: &Secrets) -> Found {
        let json_value =
            |value: Option<f64>| value.filter(|value| value.is_finite()).map_or(Value::Null, Value::from);
        let series: Vec<Value> = self
            .series
            .iter()
            .map(|one| json!({"labels": one.labels, "name": one.name, "value": json_value(one.value())}))
            .collect();
        let only = self.series.first().filter(|_| self.series.len() == 1).and_then(Series::value);
        let mut fields = Map::new();
        fields.insert("value".to_owned(), json_value(only));
        fields.insert("series".to_owned(), secrets.cover_value(series.into()));
        let mut shown = String::new();
        for one in self.series.iter().take(SHOWN) {
            let value = one.value().map_or_else(|| "no value".to_owned(), |value| chart::value(value, unit));
            let line = if one.name.is_empty() { value } else { format!("{}: {value}", one.name) };
            shown.push_str(&secrets.cover(&line));
            shown.push('\n');
        }
        let more = self.series.len().saturating_sub(SHOWN) + self.more;
        if more > 0 {
            shown.push_str(&crate::text::chat::more(more, ""));
        }
        let mut shown = shown.trim_end().to_owned();
        let cut = shorten(&mut shown, OUTPUT);
        Found { fields, shown, cut }
    }

    /// As lines of a chart.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.series.iter().map(|one| Line { name: one.name.clone(), points: one.points.clone() }).collect()
    }
}

/// How long Prometheus may take, unless a step says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &Value) -> Answer {
        Answer { status: 200, headers: Vec::new(), body: body.to_string(), cut: 0, elapsed: Duration::ZERO }
    }

    #[test]
    fn series_are_named_by_what_tells_them_apart() {
        let body = json!({"status": "success", "data": {"resultType": "vector", "result": [
            {"metric": {"__name__": "up", "job": "qflow", "instance": "b"}, "value": [1_795_403_462.5, "1"]},
            {"metric": {"__name__": "up", "job": "qflow", "instance": "a"}, "value": [1_795_403_462.5, "NaN"]},
        ]}});
        let measured = read(&answer(&body)).unwrap();
        let names: Vec<&str> = measured.series.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["instance=a", "instance=b"]);
        let found = measured.into_found("%", &Secrets::default());
        assert_eq!(found.fields["value"], Value::Null, "two series have no one value");
        assert_eq!(found.fields["series"][0]["value"], Value::Null, "not a number is no value");
        assert_eq!(found.shown, "instance=a: – %\ninstance=b: 1 %");
    }

    #[test]
    fn one_series_has_a_value_and_none_has_none() {
        let scalar = json!({"status": "success", "data": {"resultType": "scalar", "result": [1.0, "42"]}});
        let found = read(&answer(&scalar)).unwrap().into_found("", &Secrets::default());
        assert_eq!((found.fields["value"].as_f64(), found.shown.as_str()), (Some(42.0), "42"));
        let none = json!({"status": "success", "data": {"resultType": "vector", "result": []}});
        let found = read(&answer(&none)).unwrap().into_found("", &Secrets::default());
        assert_eq!((&found.fields["value"], &found.fields["series"]), (&Value::Null, &json!([])));
    }

    #[test]
    fn what_is_no_answer_is_unknown_and_says_why() {
        let good = json!({"status": "success", "data": {"resultType": "scalar", "result": [1.0, "42"]}});
        let lies = Answer { status: 500, ..answer(&good) };
        assert_eq!(read(&lies), Err(Fault::Unknown("Prometheus says: 500".to_owned())));
        for (body, words) in [
            (
                json!({"status": "error", "errorType": "bad_data", "error": "parse error: x"}),
                "parse error: x",
            ),
            (json!({"status": "success", "data": {"resultType": "string", "result": [1, "x"]}}), "no number"),
            (json!({"status": "success", "data": {"resultType": "vector", "result": [{"value": 3}]}}), "API"),
            (json!("<html>"), "not what its API answers"),
        ] {
            let Err(Fault::Unknown(why)) = read(&answer(&body)) else { panic!("{body}") };
            assert!(why.contains(words), "{why}");
        }
    }
}
