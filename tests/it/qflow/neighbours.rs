//! What Qflow stands on: the identity, lock, consent, index and security services, each with its health. Never more of
//! them than that.

use std::collections::BTreeMap;

use serde_json::json;

use super::{logbook::Logbook, mood::Feels};
use crate::peer::server::Server;

/// Their names, and what tells the answer of each from all others.
pub const NAMES: [(&str, &str); 5] = [
    ("squid", "2.14.3-4f1c"),
    ("qlock", "1.31.7-b29d"),
    ("qonsent", "3.27.2-70ae"),
    ("qindex", "4.18.9-d35b"),
    ("qerberos", "1.42.6-8ec1"),
];

/// All five, running.
pub struct Neighbours(BTreeMap<&'static str, (Server, Feels)>);

impl Neighbours {
    pub fn start(book: &Logbook) -> Self {
        let all = NAMES.into_iter().map(|(name, version)| {
            let feels = Feels::well();
            let mood = feels.clone();
            let server = book.serve(name, move |request| {
                let path = request.path.split('?').next().unwrap_or_default();
                if request.method != "GET" || !path.starts_with("/health") {
                    return (404, json!({"error": "not found"}).to_string());
                }
                let health =
                    json!({"status": "healthy", "service": name, "version": version, "uptime": 77_413.2});
                mood.colour((200, health.to_string()))
            });
            (name, (server, feels))
        });
        Self(all.collect())
    }

    pub fn port(&self, name: &str) -> u16 {
        self.0[name].0.port
    }

    pub fn feels(&self, name: &str) -> &Feels {
        &self.0[name].1
    }
}
