//! The requests, built once and patched in place: every alert is another one, and building it costs nothing.
//! Never the same alert twice in the life of a server.

use crate::subject::Kind;

/// Stands where the number of an alert goes: eight digits.
const NUMBER: &str = "########";

/// The bytes of one HTTP request with the places that differ.
pub struct Request {
    bytes: Vec<u8>,
    /// For each alert the places of its number.
    places: Vec<Vec<usize>>,
}

/// What the alerts of a request say.
#[derive(Debug, Clone, Copy)]
pub struct Alerts<'a> {
    /// How many are in one request.
    pub count: usize,
    /// Their label `service`: `bench`, or `noise` which pages nobody.
    pub service: &'a str,
    /// RFC 3339.
    pub starts_at: &'a str,
    /// RFC 3339, when they have ended. Only Watchbell is told so.
    pub ends_at: Option<&'a str>,
}

impl Request {
    /// A request with these alerts, as this server wants it.
    pub fn new(kind: Kind, port: u16, alerts: Alerts<'_>) -> Self {
        let mut body = String::new();
        let mut ends = Vec::new();
        let status = if alerts.ends_at.is_some() { "resolved" } else { "firing" };
        if kind == Kind::Watchbell {
            let head = format!(
                "{{\"receiver\":\"watchbell\",\"status\":\"{status}\",\"groupLabels\":{{\"instance\":\"{NUMBER}\"}},\
                 \"commonLabels\":{{}},\"commonAnnotations\":{{}},\"externalURL\":\"http://alertmanager:9093\",\
                 \"version\":\"4\",\"groupKey\":\"{{}}:{{instance=\\\"{NUMBER}\\\"}}\",\"truncatedAlerts\":0,\"alerts\":"
            );
            body += &head;
        }
        body += "[";
        let Alerts { service, starts_at, .. } = alerts;
        let ends_at = alerts.ends_at.unwrap_or("0001-01-01T00:00:00Z");
        for alert in 0..alerts.count {
            let more = if kind == Kind::Watchbell {
                format!(
                    ",\"status\":\"{status}\",\"endsAt\":\"{ends_at}\",\"fingerprint\":\"00000000{NUMBER}\""
                )
            } else {
                String::new()
            };
            let alert = format!(
                "{}{{\"labels\":{{\"alertname\":\"Bench{NUMBER}\",\"instance\":\"node-{NUMBER}\",\
                 \"job\":\"bench\",\"service\":\"{service}\",\"severity\":\"critical\"}},\
                 \"annotations\":{{\"summary\":\"Bench{NUMBER} does not answer\",\
                 \"runbook_url\":\"https://runbooks.example.com/bench\"}},\"startsAt\":\"{starts_at}\",\
                 \"generatorURL\":\"http://prometheus:9090/graph?g0.expr=up+%3D%3D+0\"{more}}}",
                if alert == 0 { "" } else { "," },
            );
            body += &alert;
            ends.push(body.len());
        }
        body += "]";
        if kind == Kind::Watchbell {
            body += "}";
        }
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: Alertmanager/0.25.0\r\n\
             Content-Type: application/json\r\nAuthorization: Bearer bench-token\r\nContent-Length: {}\r\n\r\n",
            kind.path(),
            body.len(),
        );
        let text = head.clone() + &body;
        let mut places = vec![Vec::new(); alerts.count];
        for (place, _) in text.match_indices(NUMBER) {
            let alert = ends.partition_point(|end| head.len() + end <= place);
            places[alert.min(alerts.count - 1)].push(place);
        }
        Self { bytes: text.into_bytes(), places }
    }

    /// A command of Watchbell's API that writes: a note with a number in it.
    pub fn note(port: u16, incident: &str) -> Self {
        let body = format!(
            "{{\"text\":\"/incident note {incident} note {NUMBER} of somebody who looks into it\",\"person\":\"ana\"}}"
        );
        let text = format!(
            "POST /api/v1/commands HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let places = vec![text.match_indices(NUMBER).map(|(place, _)| place).collect()];
        Self { bytes: text.into_bytes(), places }
    }

    /// The request for the alerts from `first` on.
    pub fn numbered(&mut self, first: u32) -> &[u8] {
        for (number, places) in (first..).zip(&self.places) {
            let digits = format!("{number:08}");
            for place in places {
                self.bytes[*place..place + NUMBER.len()].copy_from_slice(digits.as_bytes());
            }
        }
        &self.bytes
    }
}

/// The number of the first alert that a page or a webhook speaks of.
pub fn number_in(body: &str) -> Option<u32> {
    let (_, after) = body.split_once("Bench")?;
    after.get(..NUMBER.len())?.parse().ok()
}
