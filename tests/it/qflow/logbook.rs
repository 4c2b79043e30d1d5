//! Who was asked what, and what was answered. Never forgets a visit.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use crate::peer::server::{Reply, Request, Server};

/// The first part of a path that says for which line of the test a request is made.
const LINE: &str = "at-";

/// One request and its answer.
#[derive(Debug, Clone)]
pub struct Visit {
    /// Who was asked.
    pub system: &'static str,
    /// For whom: the environment that its address belongs to.
    pub line: String,
    /// Without that part.
    pub request: Request,
    pub status: u16,
    pub answer: String,
}

impl Visit {
    /// The path without its query.
    pub fn path(&self) -> &str {
        self.request.path.split('?').next().unwrap_or_default()
    }

    /// `GET /health`
    pub fn call(&self) -> String {
        format!("{} {}", self.request.method, self.path())
    }
}

/// All visits, in their order; clones are the same book.
#[derive(Clone, Default)]
pub struct Logbook(Arc<Mutex<Vec<Visit>>>);

impl Logbook {
    fn pages(&self) -> MutexGuard<'_, Vec<Visit>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those of one line.
    pub fn of(&self, line: &str) -> Vec<Visit> {
        self.pages().iter().filter(|visit| visit.line == line).cloned().collect()
    }

    /// Those to one system.
    pub fn to(&self, system: &str) -> Vec<Visit> {
        self.pages().iter().filter(|visit| visit.system == system).cloned().collect()
    }

    /// A system that answers like this, and writes down who came.
    pub fn serve(
        &self,
        system: &'static str,
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Server {
        let book = self.clone();
        Server::start(move |request| {
            let (line, path) = line(&request.path);
            let asked = Request { path, ..request.clone() };
            let (status, body) = answer(&asked);
            let line = line.unwrap_or_default();
            book.pages().push(Visit { system, line, request: asked, status, answer: body.clone() });
            (status, body)
        })
    }
}

/// The line in a path, and the path without it.
fn line(path: &str) -> (Option<String>, String) {
    let rest = path.trim_start_matches('/');
    let (first, tail) = rest.split_once('/').unwrap_or((rest, ""));
    if first.starts_with(LINE) {
        (Some(first.to_owned()), format!("/{tail}"))
    } else {
        (None, path.to_owned())
    }
}

/// The environment of a line.
pub fn environment(number: usize) -> String {
    format!("{LINE}{number}")
}

/// Asks many at once and waits for all.
pub fn at_once<T: Send>(count: usize, ask: impl Fn(usize) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let ask = &ask;
        let all: Vec<_> = (0..count).map(|number| scope.spawn(move || ask(number))).collect();
        all.into_iter().map(|one| one.join().expect("an answer")).collect()
    })
}

/// The parts of a path, and its parameters.
pub fn parts(request: &Request) -> (Vec<String>, Vec<(String, String)>) {
    let url = url::Url::parse(&format!("http://here{}", request.path)).expect("a path");
    let parts = url.path_segments().into_iter().flatten().filter(|part| !part.is_empty());
    let parts = parts
        .map(|part| {
            // A form decodes what a path encodes, but for the plus sign.
            let form = part.replace('+', "%2B");
            url::form_urlencoded::parse(form.as_bytes())
                .next()
                .map_or_else(String::new, |(name, _)| name.into())
        })
        .collect();
    (parts, url.query_pairs().into_owned().collect())
}

/// One parameter.
pub fn parameter<'a>(all: &'a [(String, String)], name: &str) -> Option<&'a str> {
    all.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}
