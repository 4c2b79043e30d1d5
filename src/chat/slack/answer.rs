//! Answers where somebody asked: by the address that Slack gave for it, by a form, or by an ordinary message when
//! that is too late. Never leaves a person without a word: an ear that fails is answered with a sentence.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use slack_morphism::prelude::*;
use tokio::time::Instant;

use super::{
    api::Call,
    blocks::render,
    form::{Carried, view},
    hear::Back,
    hearing::Hearing,
    pace::method,
};
use crate::{
    chat::port::{Failure, Heard, MessageRef, Original, Place, RoomId, Said},
    text::{
        card::{Card, Form},
        chat,
    },
};

/// Answers that one address takes.
const USES: u8 = 5;
/// How often an answer is tried, how long it waits for its turn in a room where much is said, and the longest pause
/// that is obeyed.
const TRIES: u32 = 6;
const TURNS: Duration = Duration::from_mins(2);
const LONGEST: Duration = Duration::from_mins(1);
/// So long the name of a room is looked for; a room without a name is no reason to keep somebody waiting.
const NAMING: Duration = Duration::from_millis(1_500);

/// What is posted to a `response_url`.
#[derive(Debug, Serialize)]
struct Response {
    #[serde(flatten)]
    content: SlackMessageContent,
    #[serde(rename = "response_type")]
    seen_by: &'static str,
    replace_original: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_ts: Option<String>,
}

/// Where the answers to one thing go, and how often the address may still be used.
struct Way {
    back: Back,
    uses: u8,
    to_all: bool,
}

impl Hearing {
    /// Lets the ear hear.
    pub(super) async fn ask(&self, mut heard: Heard) -> Said {
        if let Some(room) = heard.room.as_mut().filter(|room| room.name.is_empty()) {
            let name = tokio::time::timeout(NAMING, self.slack.rooms.name(&self.slack.api, &room.id.0)).await;
            room.name = name.ok().flatten().unwrap_or_else(|| room.id.0.clone());
        }
        let ear = Arc::clone(&self.ear);
        // In a task of its own, so that a panic ends there.
        tokio::spawn(async move { ear.hear(heard).await }).await.unwrap_or_else(|_| {
            tracing::error!("the ear failed; the person was told so");
            Said { cards: vec![chat::failed()], ..Said::default() }
        })
    }

    /// Says what the ear answered to something that came at `begun`.
    pub(super) async fn say(&self, said: Said, back: Back, begun: Instant) {
        let Said { mut cards, to_all, form, original } = said;
        if let Some(form) = form {
            if self.open(&form, &back).await {
                return;
            }
            // A mention opens no form: its cards say what is missing, with a button that does.
            if cards.is_empty() {
                cards.push(chat::form_missed());
            }
        }
        let mut way = Way { back, uses: USES, to_all };
        let late = begun.elapsed() > self.slack.options.answer_window;
        if late && !cards.is_empty() {
            cards.insert(0, chat::late("Slack"));
            way.uses = 0;
        }
        for (at, card) in cards.iter().enumerate() {
            let replaces = at == 0 && original == Original::Replaced && !late;
            let said = match &way.back.message {
                Some(message) if replaces => {
                    let message = message.clone();
                    self.replace(&mut way, &message, card).await
                }
                _ => self.add(&mut way, card).await,
            };
            if let Err(failure) = said {
                tracing::warn!(?failure, "an answer could not be said");
            }
        }
    }

    /// A button's form, or a word that it could not be shown.
    pub(super) async fn show(&self, form: &Form, back: &Back) {
        if !self.open(form, back).await {
            let said = Said { cards: vec![chat::form_missed()], ..Said::default() };
            self.say(said, back.clone(), Instant::now()).await;
        }
    }

    async fn open(&self, form: &Form, back: &Back) -> bool {
        let carried =
            Carried { command: form.command.clone(), room: back.room.clone(), thread: back.thread.clone() };
        let (Some(trigger), Some(view)) = (&back.trigger, view(form, &carried)) else { return false };
        let request = SlackApiViewsOpenRequest::new(trigger.clone().into(), view);
        let opened: Result<serde_json::Value, _> =
            self.slack.api.call(Call::new(method::VIEW), &request).await;
        if let Err(failure) = &opened {
            tracing::info!(?failure, "a form could not be shown");
        }
        opened.is_ok()
    }

    /// Puts the answer in the place of the message that was acted upon.
    async fn replace(&self, way: &mut Way, message: &MessageRef, card: &Card) -> Result<(), Failure> {
        if self.respond(way, card, true).await {
            return Ok(());
        }
        let edited = persist(|| self.slack.edit(message, card)).await;
        match edited {
            // It is not there any more, or only its reader saw it: then the answer is a new message.
            Err(Failure::Gone(_) | Failure::Refused { .. }) => self.add(way, card).await,
            done => done,
        }
    }

    /// Says one more card.
    async fn add(&self, way: &mut Way, card: &Card) -> Result<(), Failure> {
        if self.respond(way, card, false).await {
            return Ok(());
        }
        let back = &way.back;
        let Some(room) = back.room.clone().map(RoomId) else {
            return self.tell(&back.account, card).await;
        };
        // In a person's own conversation there is nobody else.
        let alone = room.0.starts_with('D');
        let said = if way.to_all || alone {
            let place = match back.below.clone().or_else(|| back.thread.clone()) {
                Some(thread) => Place::Thread(MessageRef { room, message: thread }),
                None => Place::Room(room),
            };
            persist(|| self.slack.say(&place, card, None)).await.map(drop)
        } else {
            let thread = back.thread.as_deref();
            persist(|| self.slack.whisper(&room, &back.account, thread, card)).await.map(drop)
        };
        match said {
            // A room that the bot may not speak in: the person is told by themselves.
            Err(Failure::Refused { .. } | Failure::Gone(_)) if !back.account.is_empty() => {
                self.tell(&back.account, card).await
            }
            done => done,
        }
    }

    async fn tell(&self, account: &str, card: &Card) -> Result<(), Failure> {
        let place = Place::Person(account.to_owned());
        persist(|| self.slack.say(&place, card, None)).await.map(drop)
    }

    /// By the address that Slack gave; false when that is not possible (any more).
    async fn respond(&self, way: &mut Way, card: &Card, replaces: bool) -> bool {
        let Some(url) = way.back.url.clone().filter(|_| way.uses > 0) else { return false };
        way.uses -= 1;
        let response = Response {
            content: render(card).content(),
            seen_by: if way.to_all { "in_channel" } else { "ephemeral" },
            replace_original: replaces,
            thread_ts: way.back.thread.clone().filter(|_| !replaces),
        };
        let sent = persist(|| self.slack.api.respond(&url, &response)).await;
        if sent.is_err() {
            way.uses = 0;
        }
        sent.is_ok()
    }
}

/// Tries again what may be tried again, with the pauses that Slack asks for.
async fn persist<T, F>(work: impl Fn() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let (mut tries, begun) = (1, Instant::now());
    loop {
        let pause = match work().await {
            Err(Failure::Wait(pause)) if pause <= LONGEST && begun.elapsed() < TURNS => pause,
            Err(Failure::TryAgain(_)) if tries < TRIES => {
                tries += 1;
                Duration::from_millis(125) * 2_u32.pow(tries - 1)
            }
            done => return done,
        };
        tokio::time::sleep(pause).await;
    }
}
