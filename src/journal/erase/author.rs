//! Whose words an event holds: by who stands beside them as `by` or `author`, and, where nobody does, by what came
//! before (who started the run, who wrote the message). Never guesses: words of nobody known are left alone.

use std::collections::{BTreeMap, BTreeSet};

use memchr::memmem;
use serde_json::{Map, Value};

use super::{Found, Wanted};
use crate::{
    domain::{
        delivery::Channel,
        event::{Actor, Event, Record},
        id::{AnnouncementId, PersonId, RunId, Seq},
        page::Subject,
        prose::Echo,
        room::Author,
        run::{LinkTo, RunHappened},
    },
    journal::line,
};

/// Whose an account is from an event on; none: nobody's.
type Link = (Seq, Option<PersonId>);

/// Since when each account of a chat platform is tied to whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links(BTreeMap<(Channel, String), Vec<Link>>);

impl Links {
    /// Learns from a line of a journal.
    pub(super) fn learn(&mut self, bytes: &[u8]) {
        if memmem::find(bytes, b"linked\":{").is_none() {
            return;
        }
        let Ok(record) = serde_json::from_slice::<Record>(bytes) else { return };
        let (channel, account, person) = match record.event {
            Event::AccountLinked { channel, account, person } => (channel, account, Some(person)),
            Event::AccountUnlinked { channel, account, .. } => (channel, account, None),
            _ => return,
        };
        let links = self.0.entry((channel, account)).or_default();
        // Folders come in any order, and hold the same segment twice while it is archived.
        if let Err(at) = links.binary_search_by_key(&record.seq, |(seq, _)| *seq) {
            links.insert(at, (record.seq, person));
        }
    }

    /// Whose an account was at an event; before it was anybody's, whose it became first.
    fn whose(&self, channel: Channel, account: &str, seq: Seq) -> Option<&PersonId> {
        let links = self.0.get(&(channel, account.to_owned()))?;
        let then = links.iter().rev().find(|(since, _)| *since <= seq);
        then.or(links.first()).and_then(|(_, whose)| whose.as_ref())
    }
}

/// Who wrote what, as far as the journal was read.
pub(super) struct Authors<'a> {
    wanted: &'a Wanted,
    links: Links,
    /// Runs that the person started, with words of theirs.
    runs: BTreeSet<RunId>,
    announced: BTreeSet<AnnouncementId>,
    /// Messages of chat that the person wrote.
    messages: BTreeSet<(Channel, String)>,
}

impl<'a> Authors<'a> {
    pub(super) fn of(wanted: &'a Wanted) -> Self {
        let (links, messages) = (wanted.links.clone(), BTreeSet::new());
        Self { wanted, links, runs: BTreeSet::new(), announced: BTreeSet::new(), messages }
    }

    /// Notes since when an account is whose.
    pub(super) fn learn_links(&mut self, bytes: &[u8]) {
        if self.wanted.person.is_some() {
            self.links.learn(bytes);
        }
    }

    /// Puts the digests of the wanted words of an event into `found`.
    pub(super) fn choose(&mut self, record: &Record, bytes: &[u8], found: &mut Found) {
        if self.wanted.seq == Some(record.seq) {
            found
                .digests
                .extend(line::words(bytes).filter(|words| !words.erased).map(|words| words.sha.to_owned()));
            note_output(record, found);
            note_plain(record, found);
        }
        self.choose_of_person(record, bytes, found);
        if let Event::Run(run) = &record.event
            && line::words(bytes).any(|words| !words.erased && found.digests.contains(words.sha))
        {
            found.runs.insert(run.run);
        }
    }

    fn choose_of_person(&mut self, record: &Record, bytes: &[u8], found: &mut Found) {
        let Some(person) = self.wanted.person.clone() else { return };
        let theirs = self.whole_event(record, &person);
        // What came before the date still says whose a run is; only its words stay.
        if self.wanted.before.is_some_and(|before| record.at >= before) {
            return;
        }
        if theirs {
            found
                .digests
                .extend(line::words(bytes).filter(|words| !words.erased).map(|words| words.sha.to_owned()));
            note_output(record, found);
            note_plain(record, found);
        } else if line::words(bytes).any(|words| !words.erased)
            && let Ok(event) = serde_json::to_value(&record.event)
        {
            beside(&event, false, &person, found);
        }
    }

    /// Whether all words of an event are the person's by what came before it.
    fn whole_event(&mut self, record: &Record, person: &PersonId) -> bool {
        match &record.event {
            Event::Run(run) => {
                if let RunHappened::Started(plan) = &run.what
                    && plan.by.person() == Some(person)
                    && !plan.args.is_empty()
                {
                    self.runs.insert(run.run);
                }
                // What it asks and what it says repeats what it was told.
                self.runs.contains(&run.run)
            }
            Event::MessageCaptured(captured) => {
                let theirs = self.is_theirs(captured.channel, &captured.author, record.seq, person);
                if theirs {
                    self.messages.insert((captured.channel, captured.message.clone()));
                }
                theirs
            }
            Event::MessageChanged { channel, message, .. } => {
                self.messages.contains(&(*channel, message.clone()))
            }
            Event::Announced(announced) => {
                let theirs = announced.by.person() == Some(person);
                if theirs {
                    self.announced.insert(announced.id);
                }
                theirs
            }
            Event::DeliveryQueued(queued) => match queued.subject {
                Subject::Announcement(id, _) => self.announced.contains(&id),
                _ => false,
            },
            _ => false,
        }
    }

    fn is_theirs(&self, channel: Channel, author: &Author, seq: Seq, person: &PersonId) -> bool {
        let account = match author {
            Author::Person(author) => return author == person,
            Author::Account(account) => account,
        };
        if self.wanted.accounts.contains(&format!("{channel}:{account}")) {
            return true;
        }
        self.links.whose(channel, account, seq) == Some(person)
    }
}

/// Words that stand in an object with the person as its `author` or `by`, however deep.
fn beside(value: &Value, theirs: bool, person: &PersonId, found: &mut Found) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| beside(item, theirs, person, found)),
        Value::Object(object) => {
            let theirs = named(object).map_or(theirs, |actor| actor.person() == Some(person));
            match digest_of(object) {
                Some(sha) if theirs => drop(found.digests.insert(sha.to_owned())),
                Some(_) => {}
                None => object.values().for_each(|item| beside(item, theirs, person, found)),
            }
        }
        _ => {}
    }
}

/// Who is named beside the words.
fn named(object: &Map<String, Value>) -> Option<Actor> {
    let who = object.get("author").or_else(|| object.get("by"))?;
    serde_json::from_value(who.clone()).ok()
}

fn digest_of(object: &Map<String, Value>) -> Option<&str> {
    let (sha, _, _) = (object.get("sha")?, object.get("salt")?, object.get("text")?);
    sha.as_str()
}

/// The state holds the beginning of what a step said apart from the words themselves.
fn note_output(record: &Record, found: &mut Found) {
    let Event::Run(run) = &record.event else { return };
    if let RunHappened::StepFinished(end) = &run.what
        && end.output.is_some()
    {
        found.outputs.insert((run.run, end.step));
    }
}

/// Runs were not always written with words that can be erased.
fn note_plain(record: &Record, found: &mut Found) {
    let Event::Run(run) = &record.event else { return };
    let plain = |echo: &Echo| matches!(echo, Echo::Plain(text) if !text.is_empty());
    let stays = match &run.what {
        RunHappened::Started(plan) => {
            let asks = plan.steps.iter().filter_map(|step| step.confirm.as_ref());
            let leads = plan.links.iter().filter_map(|link| match &link.to {
                LinkTo::Command(command) => Some(command),
                LinkTo::Web(_) => None,
            });
            asks.chain(leads).any(plain)
        }
        RunHappened::StepFinished(end) => plain(&end.line) || end.result.as_ref().is_some_and(plain),
        _ => false,
    };
    if stays {
        found.plain.insert(run.run);
    }
}
