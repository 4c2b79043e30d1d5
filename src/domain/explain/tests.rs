//! Routing as it is told. Never about pages: those are told in whole stories, in `tests/it/explain`.

use jiff::SignedDuration;

use super::{RouteLine, Verdict, routing};
use crate::domain::{
    config::{Config, Route, Unrouted},
    decide::route,
    labels::Labels,
    matcher::Matcher,
};

fn route(name: &str, matchers: &[&str], goes_on: bool) -> Route {
    Route {
        id: name.into(),
        matchers: matchers.iter().map(|text| Matcher::parse(text).unwrap()).collect(),
        group_by: vec!["alertname".to_owned()],
        group_wait: SignedDuration::from_secs(10),
        channels: Vec::new(),
        page: None,
        severity: None,
        incident: false,
        group_interval: None,
        repeat_interval: None,
        goes_on,
    }
}

#[test]
fn the_routes_that_are_told_to_take_an_alert_are_those_that_take_it() {
    let config = Config {
        routes: vec![
            route("audit", &["audit=yes"], true),
            route("a", &["service=a", "severity=~\"x|y\""], false),
            route("all", &[], true),
            route("never", &["service=a"], false),
        ],
        unrouted: Unrouted { channels: vec!["#alerts".into()], page: None },
        ..Config::default()
    };
    let sets: [&[(&str, &str)]; 5] = [
        &[],
        &[("service", "a")],
        &[("service", "a"), ("severity", "y")],
        &[("service", "a"), ("severity", "y"), ("audit", "yes")],
        &[("audit", "yes")],
    ];
    for labels in sets {
        let labels: Labels = labels.iter().copied().collect();
        let lines = routing(&config, &"prometheus".into(), &labels);
        let told: Vec<_> = lines.iter().filter(|line| matches!(line.verdict, Verdict::Takes(_))).collect();
        let told: Vec<_> = told.iter().map(|line: &&RouteLine| line.route.clone()).collect();
        let taken: Vec<_> =
            route::taking(&config, &labels).iter().map(|route| route.map(|route| route.id.clone())).collect();
        assert_eq!(told, taken, "{labels}");
        assert_eq!(lines.len(), config.routes.len() + 1, "every route and the catch-all are told");
    }
}
