//! Somebody who works on an incident while the process is killed: pages, notes, acknowledgements. Remembers what was
//! answered, and never what was not.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::peer::{http, server::Server, watchbell::Watchbell};

/// Commands between two kills at most.
const MOST: u32 = 12;
/// An attempt that was leaving when the acknowledgement came may arrive this much later; the next would come after
/// one second, and many more after it.
const LEAVING: Duration = Duration::from_secs(3);

/// What was answered.
#[derive(Default)]
struct Told {
    notes: Vec<String>,
    /// When each was acknowledged, by its reason.
    acknowledged: BTreeMap<String, Instant>,
    /// Pages that ring until somebody takes them: reason and id.
    ringing: Vec<(String, String)>,
}

/// The response to an incident.
#[derive(Default)]
pub struct Response(Arc<Mutex<Told>>);

impl Response {
    /// Opens the incident that everything is about.
    pub fn opens(port: u16) {
        command(port, "/incident open P3 fifty kills").expect("an incident");
    }

    /// Begins to work; ends when the process does.
    pub fn begin(&self, port: u16, round: u32) -> thread::JoinHandle<()> {
        let told = Arc::clone(&self.0);
        thread::spawn(move || {
            for number in 0..MOST {
                if work(port, &told, &format!("R{round:03}N{number:03}")).is_none() {
                    return;
                }
            }
        })
    }

    /// How many notes were answered.
    pub fn notes(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).notes.len()
    }

    /// Everything that was answered is there, and nothing rings any more that was acknowledged.
    pub fn assert_kept(&self, watchbell: &Watchbell, phone: &Server) {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(told.notes.len() >= 50 && told.acknowledged.len() > 20, "hardly anything was answered");
        let exported = watchbell.other(&["journal", "export"]);
        let journal = String::from_utf8_lossy(&exported.stdout);
        let lost: Vec<_> =
            told.notes.iter().filter(|note| journal.matches(note.as_str()).count() != 1).collect();
        assert!(lost.is_empty(), "notes that were answered and are not there once: {lost:?}");
        let mut stopped = 0;
        for (reason, id) in &told.ringing {
            assert!(journal.contains(reason), "{id} was answered and is not there");
            stopped += u32::from(told.acknowledged.contains_key(reason));
        }
        assert!(stopped > 20, "{stopped}");
        let late: Vec<_> = phone
            .heard()
            .into_iter()
            .filter(super::super::peer::server::Request::is_page)
            .filter_map(|request| {
                let (reason, at) =
                    told.acknowledged.iter().find(|(reason, _)| request.body.contains(*reason))?;
                (request.at > *at + LEAVING).then(|| (reason.clone(), request.at - *at))
            })
            .collect();
        assert!(late.is_empty(), "pages that left after their acknowledgement was answered: {late:?}");
        eprintln!("{} notes and {} acknowledgements answered", told.notes.len(), told.acknowledged.len());
    }
}

/// One page, one note, one acknowledgement; none: the process is gone.
fn work(port: u16, told: &Mutex<Told>, name: &str) -> Option<()> {
    let locked = || told.lock().unwrap_or_else(PoisonError::into_inner);
    let reason = format!("ring{name}");
    let paged = command(port, &format!("/page policy:loud {reason}"))?;
    let id = page_id(paged["text"].as_str().unwrap_or_default());
    locked().ringing.push((reason, id.unwrap_or_else(|| panic!("no page: {paged}"))));
    let note = format!("note{name}");
    command(port, &format!("/incident note INC-1 {note}"))?;
    locked().notes.push(note);
    // The newest but some, so that they ring for a while, through a kill and more.
    let oldest = {
        let told = locked();
        let open = told.ringing.iter().filter(|(reason, _)| !told.acknowledged.contains_key(reason));
        let open: Vec<_> = open.cloned().collect();
        open.len().checked_sub(4).and_then(|_| open.first().cloned())
    };
    if let Some((reason, id)) = oldest {
        // A kill may have taken the answer of an acknowledgement that was kept.
        let taken = ask(port, &format!("/ack {id}"))?;
        let words = taken["text"].as_str().unwrap_or_default();
        assert!(taken["ok"] == true || words.contains("already") || words.contains("no longer"), "{taken}");
        locked().acknowledged.insert(reason, Instant::now());
    }
    Some(())
}

fn command(port: u16, text: &str) -> Option<Value> {
    let answer = ask(port, text)?;
    assert_eq!(answer["ok"], true, "{text}: {answer}");
    Some(answer)
}

fn ask(port: u16, text: &str) -> Option<Value> {
    let answer =
        http::post(port, "/api/v1/commands", &json!({"text": text, "person": "ana"}).to_string()).ok()?;
    (answer.status == 200).then(|| answer.json())
}

/// `PG-7` in an answer.
fn page_id(text: &str) -> Option<String> {
    let start = text.find("PG-")?;
    let id: String = text[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    Some(id)
}
