//! Commands, buttons, lists and forms: acknowledged within three seconds whatever the ear does, and completed in the
//! same message. Never executes one that has expired, and never lets one hang without a word.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout, timeout_at},
};

use super::{
    Hub,
    asked::{Asked, Meant},
    components::{KEPT, OPENS, holding, modal},
    hearing::NO_GUILD,
    listen::Listening,
    outward,
    pace::Budget,
    refusal,
    render::{Rendered, render},
    rest::Call,
    typed, wire,
};
use crate::{
    chat::port::{Failure, Heard, Original, Place, RoomId, Said, Strange},
    domain::delivery::Channel,
    text::{
        card::{Button, Card, Form},
        discord as say,
    },
};

/// How long the ear may take once Discord's window is over. Then nothing is known of it.
const AT_LAST: Duration = Duration::from_hours(24);
/// Within this an acknowledgement is tried again.
const ACKNOWLEDGE: Duration = Duration::from_millis(2_500);
/// What the ear has for suggestions: half a second by its promise, and something on top.
const SUGGEST: Duration = Duration::from_millis(1_500);
/// How often what has to be said is tried.
const TRIES: u32 = 6;
/// Seen by one person alone.
const EPHEMERAL: u64 = 64;
/// Kinds of callbacks.
const MESSAGE: u8 = 4;
const THINKING: u8 = 5;
const LATER: u8 = 6;
const UPDATE: u8 = 7;
const SUGGESTIONS: u8 = 8;
const MODAL: u8 = 9;

/// Answers one interaction.
pub(super) async fn interaction(listening: Arc<Listening>, data: Value, replayed: bool) {
    let hub = Arc::clone(&listening.hub);
    let workspace = wire::some(&data, "guild_id");
    let asked = Asked::read(&hub, &data, workspace.as_deref());
    if !asked.can_be_answered() {
        return listening.strange(Strange::Unreadable);
    }
    if let Some((what, why)) = asked.wrong(&data, workspace.as_deref()) {
        listening.strange(what);
        return if asked.kind == 4 { asked.suggestions(&[]).await } else { asked.only(why).await };
    }
    if asked.kind == 4 {
        return asked.suggest(&listening, &data).await;
    }
    let Ok(_permit) = Arc::clone(&listening.permits).try_acquire_owned() else {
        return asked.only(say::BUSY).await;
    };
    let act = match asked.act(&listening, &data) {
        Meant::Act(act) => act,
        Meant::Open(form) => return asked.open(&form).await,
        Meant::Nothing(what, why) => {
            listening.strange(what);
            return asked.only(why).await;
        }
    };
    let heard = Heard {
        id: asked.id.clone(),
        channel: Channel::Discord,
        workspace: workspace.unwrap_or_else(|| NO_GUILD.to_owned()),
        account: asked.account.clone(),
        room: asked.room.clone(),
        at: wire::made_at(&asked.id),
        act,
    };
    if replayed {
        // It waited while the connection was down: only if Discord still takes an answer it is done at all.
        match asked.defer().await {
            Ok(()) => asked.complete(listening.ask(heard)).await,
            Err(_) => {
                asked
                    .say_elsewhere(Said { cards: vec![say::sentence(say::CAME_TOO_LATE)], ..Said::default() })
                    .await;
            }
        }
        return;
    }
    let mut answer = listening.ask(heard);
    match timeout(hub.options.timing.patience, &mut answer).await {
        Ok(said) => asked.at_once(said.unwrap_or_else(|_| sorry())).await,
        Err(_) => match asked.defer().await {
            Ok(()) => asked.complete(answer).await,
            Err(_) => {
                let said = timeout(AT_LAST, answer).await;
                asked
                    .say_elsewhere(said.map_or_else(|_| no_answer(), |said| said.unwrap_or_else(|_| sorry())))
                    .await;
            }
        },
    }
}

/// Answers a command that was written as a message.
pub(super) async fn written(listening: Arc<Listening>, heard: Heard) {
    let Ok(_permit) = Arc::clone(&listening.permits).try_acquire_owned() else {
        return reply(listening, heard, Said { cards: vec![say::sentence(say::BUSY)], ..Said::default() })
            .await;
    };
    let answer = timeout(AT_LAST, listening.ask(heard.clone())).await;
    let said = answer.map_or_else(|_| no_answer(), |said| said.unwrap_or_else(|_| sorry()));
    reply(listening, heard, said).await;
}

/// Says an answer where no interaction is open: in the room, or to the person alone.
pub(super) async fn reply(listening: Arc<Listening>, heard: Heard, said: Said) {
    let room = heard.room.map(|room| room.id);
    let in_private = heard.workspace == NO_GUILD;
    elsewhere(&listening.hub, &heard.id, room, &heard.account, in_private, said).await;
}

fn sorry() -> Said {
    Said { cards: vec![say::sentence(say::WENT_WRONG)], ..Said::default() }
}

fn no_answer() -> Said {
    Said { cards: vec![say::sentence(say::NO_ANSWER)], ..Said::default() }
}

impl Asked {
    /// Answer and acknowledgement in one.
    async fn at_once(&self, said: Said) {
        let quiet = said.cards.is_empty() && said.form.is_none();
        let replaces = said.original == Original::Replaced && self.on_message();
        let sent = match &said.form {
            // A form cannot follow a form directly.
            Some(form) if self.kind != 5 => return self.open(form).await,
            _ if quiet && self.on_message() => return drop(self.callback(LATER, None).await),
            _ => {
                let cards = self.cards(&said);
                let Some((first, rest)) = cards.split_first() else { return };
                let kind = if replaces { UPDATE } else { MESSAGE };
                let body = self.body(first, !replaces && !said.to_all);
                match self.callback(kind, Some(body)).await {
                    Ok(()) => self.follow_up(rest, said.to_all || replaces).await,
                    Err(failure) => Err(failure),
                }
            }
        };
        if sent.is_err() {
            self.say_elsewhere(said).await;
        }
    }

    /// Acknowledges; the answer follows.
    async fn defer(&self) -> Result<(), Failure> {
        if self.on_message() {
            return self.callback(LATER, None).await;
        }
        self.callback(THINKING, Some(json!({ "flags": EPHEMERAL }))).await
    }

    /// Completes what was deferred, within Discord's window or after it.
    async fn complete(&self, mut answer: JoinHandle<Said>) {
        let window = self.received + self.hub.options.timing.window;
        let Ok(said) = timeout_at(window, &mut answer).await else {
            let words = [say::sentence(say::TAKES_LONGER)];
            drop(if self.on_message() {
                self.follow_up(&words, false).await
            } else {
                self.edit(&words[0]).await
            });
            let said = timeout(AT_LAST, answer).await;
            let said = said.map_or_else(|_| no_answer(), |said| said.unwrap_or_else(|_| sorry()));
            return self.say_elsewhere(said).await;
        };
        let said = said.unwrap_or_else(|_| sorry());
        if self.finish(&said).await.is_err() {
            self.say_elsewhere(said).await;
        }
    }

    async fn finish(&self, said: &Said) -> Result<(), Failure> {
        let cards = self.cards(said);
        if self.on_message() {
            if said.cards.is_empty() && said.form.is_none() {
                return Ok(());
            }
            return match cards.split_first() {
                Some((first, rest)) if said.original == Original::Replaced => {
                    self.edit(first).await?;
                    self.follow_up(rest, true).await
                }
                _ => self.follow_up(&cards, said.to_all).await,
            };
        }
        if said.to_all && !said.cards.is_empty() {
            // What is deferred is for one person alone and stays so; the answer follows for everybody.
            self.edit(&say::sentence(say::ANSWERED_TO_ALL)).await?;
            return self.follow_up(&cards, true).await;
        }
        let Some((first, rest)) = cards.split_first() else { return Ok(()) };
        self.edit(first).await?;
        self.follow_up(rest, false).await
    }

    /// What is said: never nothing, and a form as a button that opens it.
    fn cards(&self, said: &Said) -> Vec<Card> {
        cards(&self.hub, said)
    }

    async fn only(&self, words: &str) {
        let body = self.body(&say::sentence(words), true);
        drop(self.callback(MESSAGE, Some(body)).await);
    }

    async fn open(&self, form: &Form) {
        let id = holding(form).unwrap_or_else(|| format!("{KEPT}{}", self.hub.keep_form(form)));
        drop(self.callback(MODAL, Some(modal(form, &id))).await);
    }

    async fn suggest(&self, listening: &Listening, whole: &Value) {
        let none = Value::Null;
        let data = whole.get("data").unwrap_or(&none);
        let mut choices = Vec::new();
        if let Some((before, partial)) = typed::under_cursor(data, &listening.specs) {
            let (ear, account) = (Arc::clone(&listening.ear), self.account.clone());
            let text = format!("{before}{partial}");
            let asked =
                tokio::spawn(
                    async move { ear.complete(Channel::Discord, &account, &text, text.len()).await },
                );
            if let Ok(Ok(found)) = timeout(SUGGEST, asked).await {
                choices = typed::choices(&before, &found);
            }
        }
        self.suggestions(&choices).await;
    }

    async fn suggestions(&self, choices: &[(String, String)]) {
        let choices: Vec<Value> =
            choices.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        drop(self.callback(SUGGESTIONS, Some(json!({ "choices": choices }))).await);
    }

    fn body(&self, card: &Card, private: bool) -> Value {
        let rendered = self.rendered(card);
        let mut body = rendered.body();
        if private && let Some(body) = body.as_object_mut() {
            body.insert("flags".into(), EPHEMERAL.into());
        }
        body
    }

    fn rendered(&self, card: &Card) -> Rendered {
        let rendered = render(card);
        self.hub.remember_forms(&rendered);
        rendered
    }

    /// The acknowledgement; tried again while Discord still takes it.
    async fn callback(&self, kind: u8, data: Option<Value>) -> Result<(), Failure> {
        let mut body = json!({ "type": kind });
        if let (Some(data), Some(body)) = (data, body.as_object_mut()) {
            body.insert("data".into(), data);
        }
        let call = Call::post(format!("/interactions/{}/{}/callback", self.id, self.token), body)
            .budget(Budget::Interaction);
        loop {
            let done = self.hub.rest.call(call.clone()).await;
            match done {
                Ok(_) => return Ok(()),
                // An earlier attempt had arrived.
                Err(failure) if refusal::code(&failure) == Some(40_060) => return Ok(()),
                Err(Failure::TryAgain(_)) if self.received.elapsed() < ACKNOWLEDGE => {
                    sleep(Duration::from_millis(50)).await;
                }
                Err(failure) => {
                    tracing::warn!(?failure, kind, "an interaction could not be answered");
                    return Err(failure);
                }
            }
        }
    }

    /// Says the answer in the place of the acknowledgement.
    async fn edit(&self, card: &Card) -> Result<(), Failure> {
        let call = Call::patch(self.webhook("/messages/@original"), self.rendered(card).body());
        self.insist(call.budget(Budget::Interaction)).await
    }

    async fn follow_up(&self, cards: &[Card], to_all: bool) -> Result<(), Failure> {
        for card in cards {
            let call = Call::post(self.webhook("?wait=true"), self.body(card, !to_all));
            self.insist(call.budget(Budget::Interaction)).await?;
        }
        Ok(())
    }

    fn webhook(&self, rest: &str) -> String {
        let app = self.hub.me().map(|me| me.app).unwrap_or_default();
        format!("/webhooks/{app}/{}{rest}", self.token)
    }

    async fn insist(&self, call: Call) -> Result<(), Failure> {
        insist(&self.hub, || self.hub.rest.call(call.clone())).await.map(drop)
    }

    /// An ordinary message, when the interaction takes none any more.
    async fn say_elsewhere(&self, said: Said) {
        let room = self.room.as_ref().map(|room| room.id.clone());
        elsewhere(&self.hub, &self.id, room, &self.account, false, said).await;
    }
}

/// What is said: never nothing, and a form as a button that opens it.
fn cards(hub: &Hub, said: &Said) -> Vec<Card> {
    let mut cards = said.cards.clone();
    // Cards that come with a form say what is missing and have a button that asks for it.
    if let Some(form) = said.form.as_ref().filter(|_| cards.is_empty()) {
        let button = Button::new(say::OPEN_FORM, format!("{OPENS}{}", hub.keep_form(form)));
        cards.push(Card {
            title: form.title.clone(),
            text: say::FILL_IN.into(),
            buttons: vec![button],
            ..Card::default()
        });
    }
    if cards.is_empty() {
        cards.push(say::sentence(say::DONE));
    }
    cards
}

/// Tries what has to be said until it is said, or Discord will never take it.
async fn insist<T, F>(hub: &Hub, attempt: impl Fn() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let mut pause = hub.options.timing.backoff;
    let mut tries = 1;
    loop {
        let why = match attempt().await {
            Err(Failure::Wait(asked)) if tries < TRIES => {
                sleep(asked.min(Duration::from_mins(1))).await;
                tries += 1;
                continue;
            }
            Err(Failure::TryAgain(why)) if tries < TRIES => why,
            done => return done,
        };
        tracing::warn!(why, "an answer is tried again");
        sleep(pause).await;
        pause = (pause * 2).min(hub.options.timing.backoff_most);
        tries += 1;
    }
}

/// Says an answer as ordinary messages: in the room when everybody may see it, otherwise to the person alone.
async fn elsewhere(
    hub: &Arc<Hub>,
    id: &str,
    room: Option<RoomId>,
    account: &str,
    in_private: bool,
    said: Said,
) {
    if said.cards.is_empty() && said.form.is_none() {
        return;
    }
    let public = said.to_all || in_private;
    let place = match &room {
        Some(room) if public => Place::Room(room.clone()),
        _ if account.is_empty() => return,
        _ => Place::Person(account.to_owned()),
    };
    for (number, card) in cards(hub, &said).iter().enumerate() {
        let key = format!("{id}-{number}");
        let sent = insist(hub, || outward::send(hub, &place, card, &key)).await;
        match (sent, &room) {
            (Ok(_), _) => {}
            (Err(Failure::Refused { why, .. }), Some(room)) if !public => {
                tracing::warn!(why, "an answer for one person was not taken");
                let place = Place::Room(room.clone());
                let card = say::sentence(say::CANNOT_WRITE);
                drop(insist(hub, || outward::send(hub, &place, &card, &key)).await);
                return;
            }
            (Err(failure), _) => {
                tracing::error!(?failure, "an answer could not be said");
                return;
            }
        }
    }
}
