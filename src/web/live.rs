//! The live stream: every event of the journal and what the bot says, over a WebSocket. Pulled from the journal at
//! the listener's own speed, so that a slow one costs no memory; one that takes nothing is let go.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use axum::{
    extract::{
        RawQuery, State,
        ws::{
            CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code,
            rejection::WebSocketUpgradeRejection,
        },
    },
    response::Response,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use super::{Access, House, Who, problem::Problem, query::Query};
use crate::{
    chat::{self, Listener},
    domain::{
        config::Config,
        event::{Event, Record},
        id::Seq,
        person::Role,
        prose::{self, Prose},
        timeline,
    },
    engine::clock::wall,
    journal::Reader,
    text,
};

/// Where the stream is.
pub(super) const PATH: &str = "/api/v1/live";
/// How often a listener is asked whether it is there.
const PING: Duration = if cfg!(test) { Duration::from_millis(50) } else { Duration::from_secs(20) };
/// A listener that says nothing for so long, not even to a ping, is gone.
const SILENCE: Duration = Duration::from_secs(65);
/// How long a listener may take to take one frame.
const PATIENCE: Duration = Duration::from_secs(15);
/// Listeners at once.
const MOST: usize = 512;
/// Events that are read at once.
const AT_ONCE: usize = 256;
/// The largest frame that a listener may send, in bytes; nothing it sends is needed.
const FRAME: usize = 4 * 1024;
/// Why a listener is let go: it may come back with `?from=`.
const NOT_KNOWN: &str = "the token is not good any more";
const TOO_SLOW: &str = "too slow: come back with ?from= the last sequence";

/// What is sent.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Frame<'a> {
    /// First: the last sequence before what follows.
    Hello { seq: Seq },
    /// Something happened.
    Event {
        seq: Seq,
        at: Timestamp,
        kind: &'a str,
        by: &'a str,
        text: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
        event: &'a Value,
    },
    /// The bot says something.
    Message(&'a chat::Message),
}

/// `GET /api/v1/live?from=`: everything after that sequence; without it, everything from now on.
pub(super) async fn follow(
    State(house): State<Arc<House>>,
    who: Who,
    RawQuery(query): RawQuery,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let query = Query::read(query.as_deref(), &["from", "token"])?;
    let from = query.parsed::<u64>("from", "Send the sequence of the last event that you have")?.map(Seq);
    let ((sees_all, who), _) = house.look(move |look| (sees_all(&who, look.config), who)).await?;
    let sees_all = sees_all?;
    let committed = house.reader.committed();
    let from = from.unwrap_or(committed);
    if from > committed {
        let detail = format!("{from} is beyond the end of the journal, which is {committed}");
        return Err(Problem::wrong("from", detail).remedy("Leave `from` out and load what is shown anew"));
    }
    if house.terminal.listeners() >= MOST {
        let detail = format!("{MOST} listeners follow the live stream already");
        return Err(Problem::not_now(detail, 30).remedy("Close one of them, or come back later"));
    }
    let upgrade = upgrade.map_err(|_| {
        Problem::malformed("this address speaks WebSocket only")
            .remedy("Connect with a WebSocket client (ws://…)")
    })?;
    let upgrade = upgrade.max_message_size(FRAME).max_frame_size(FRAME);
    Ok(upgrade.on_upgrade(move |socket| async move {
        let open = house.metrics.listener();
        let mut access = house.access.clone();
        access.mark_unchanged();
        let stream = Stream {
            socket,
            reader: Arc::clone(&house.reader),
            commits: house.reader.watch(),
            closing: house.closing.clone(),
            access,
            who: who.clone(),
            sees_all,
            house: Arc::clone(&house),
            sent: from,
            heard: Instant::now(),
        };
        stream.run(house.terminal.join(who.person().cloned())).await;
        drop(open);
    }))
}

struct Stream {
    socket: WebSocket,
    reader: Arc<dyn Reader>,
    commits: watch::Receiver<Seq>,
    closing: watch::Receiver<bool>,
    /// Changes when other tokens are in force.
    access: watch::Receiver<Arc<Access>>,
    /// Who follows.
    who: Who,
    /// Whether what is for admins alone is sent.
    sees_all: bool,
    house: Arc<House>,
    /// The last event that was sent.
    sent: Seq,
    /// When the listener was last heard of.
    heard: Instant,
}

/// Why a stream ends: the close code and words, or none when nobody is there to read them.
type End = Option<(u16, &'static str)>;

impl Stream {
    async fn run(mut self, mut listener: Listener) {
        let Err(end) = self.go_on(&mut listener).await;
        drop(listener);
        if let Some((code, reason)) = end {
            let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
            // What the listener has said meanwhile is read: a connection that is dropped with words unread is reset,
            // and the listener would never see why.
            let farewell = async {
                if self.socket.send(close).await.is_ok() {
                    while let Some(Ok(_)) = self.socket.recv().await {}
                }
            };
            drop(timeout(Duration::from_secs(1), farewell).await);
        }
    }

    async fn go_on(&mut self, listener: &mut Listener) -> Result<std::convert::Infallible, End> {
        let mut ping = interval(PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.send(&Frame::Hello { seq: self.sent }).await?;
        // The first look needs no commit.
        self.commits.mark_changed();
        loop {
            tokio::select! {
                heard = self.socket.recv() => match heard {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(None),
                    Some(Ok(_)) => self.heard = Instant::now(),
                },
                changed = self.commits.changed() => {
                    if changed.is_err() {
                        return Err(Some((close_code::AWAY, "the server stops")));
                    }
                    self.catch_up().await?;
                }
                message = listener.next() => match message {
                    Some(message) => self.send(&Frame::Message(&message)).await?,
                    None => return Err(Some((close_code::AGAIN, TOO_SLOW))),
                },
                _ = ping.tick() => {
                    if self.heard.elapsed() > SILENCE {
                        return Err(None);
                    }
                    self.still_good().await?;
                    self.put(Message::Ping(axum::body::Bytes::new())).await?;
                }
                () = async { drop(self.closing.wait_for(|closing| *closing).await) } => {
                    return Err(Some((close_code::AWAY, "the server stops")));
                }
                changed = self.access.changed() => {
                    if changed.is_err() {
                        return Err(Some((close_code::AWAY, "the server stops")));
                    }
                    self.still_good().await?;
                }
            }
        }
    }

    /// Ends when the token is good no more, and looks anew what its person may see.
    async fn still_good(&mut self) -> Result<(), End> {
        let access = Arc::clone(&self.access.borrow_and_update());
        if !access.still_knows(&self.who, wall()) {
            return Err(Some((close_code::POLICY, NOT_KNOWN)));
        }
        let who = self.who.clone();
        let looked = self.house.look(move |look| sees_all(&who, look.config)).await;
        // Nobody who is not known any more sees it.
        self.sees_all = matches!(looked, Ok((Ok(true), _)));
        Ok(())
    }

    /// Sends one batch of events; when there are more, the next look is due at once, after whatever else waits.
    async fn catch_up(&mut self) -> Result<(), End> {
        let reader = Arc::clone(&self.reader);
        let after = self.sent;
        let read = tokio::task::spawn_blocking(move || batch(&*reader, after)).await;
        let records = match read {
            Ok(Ok(records)) => records,
            Ok(Err(error)) => {
                tracing::error!(%error, %after, "the live stream cannot read the journal");
                return Err(Some((close_code::ERROR, "the journal cannot be read from there")));
            }
            Err(_) => return Err(Some((close_code::ERROR, "something went wrong inside"))),
        };
        for record in &records {
            if self.sees_all || !for_admins(&record.event) {
                self.event(record).await?;
            }
            self.sent = record.seq;
        }
        if records.len() == AT_ONCE {
            self.commits.mark_changed();
        }
        Ok(())
    }

    async fn event(&mut self, record: &Record) -> Result<(), End> {
        let mut event = serde_json::to_value(&record.event).unwrap_or_default();
        readable(&mut event);
        discreet(&mut event);
        let entry = text::timeline::entry(record);
        // What has no place on a timeline is told by its type.
        let kind = event.as_object().and_then(|event| event.keys().next()).cloned().unwrap_or_default();
        let frame = Frame::Event {
            seq: record.seq,
            at: record.at,
            kind: entry.as_ref().map_or(&kind, |entry| entry.kind.as_str()),
            by: entry.as_ref().map_or("watchbell", |entry| &entry.by),
            text: entry.as_ref().map_or("", |entry| &entry.text),
            subject: timeline::subject(&record.event),
            event: &event,
        };
        self.send(&frame).await
    }

    async fn send(&mut self, frame: &Frame<'_>) -> Result<(), End> {
        let json = serde_json::to_string(frame).unwrap_or_default();
        self.put(Message::Text(json.into())).await
    }

    async fn put(&mut self, message: Message) -> Result<(), End> {
        match timeout(PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(None),
            Err(_) => Err(Some((close_code::AGAIN, TOO_SLOW))),
        }
    }
}

fn batch(reader: &dyn Reader, after: Seq) -> Result<Vec<Record>, crate::journal::JournalError> {
    let mut records = Vec::new();
    reader.scan(after.next(), &mut |record, _| {
        records.push(record);
        if records.len() < AT_ONCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(records)
}

/// Whether they may read the audit, too.
fn sees_all(who: &Who, config: &Config) -> Result<bool, Problem> {
    Ok(who.caller(config, "as")?.may("/api/v1/audit", Role::Admin, config).is_ok())
}

/// What nobody else finds anywhere: accounts, tokens, configurations, upkeep, and acts that are in the audit alone.
fn for_admins(event: &Event) -> bool {
    matches!(
        event,
        Event::ConfigurationLoaded { .. }
            | Event::TokenUsed { .. }
            | Event::LinkOffered { .. }
            | Event::LinkFailed { .. }
            | Event::AccountLinked { .. }
            | Event::AccountUnlinked { .. }
            | Event::Upkeep(_)
    ) || timeline::keys(event) == [timeline::Key::Audit]
}

/// Words of people have a shape that nothing else has: labels may be called anything, and are words only when they
/// carry the digest of themselves.
fn words_of(object: &serde_json::Map<String, Value>) -> Option<Prose> {
    let part = |key: &str| object.get(key).and_then(Value::as_str);
    let intact = prose::is_intact(part("sha")?, part("salt")?, part("text")?);
    let whole = (intact && object.len() == 3).then(|| Value::Object(object.clone()))?;
    serde_json::from_value(whole).ok()
}

/// What people wrote is sent as words; digest and salt stay with the journal.
fn readable(value: &mut Value) {
    match value {
        Value::Object(object) => match words_of(object) {
            Some(words) => *value = Value::String(words.to_string()),
            None => object.values_mut().for_each(readable),
        },
        Value::Array(items) => items.iter_mut().for_each(readable),
        _ => {}
    }
}

/// What hides a one-time code stays with the journal, too: nobody shall try codes by themselves.
fn discreet(event: &mut Value) {
    if let Some(offered) = event.get_mut("link_offered").and_then(Value::as_object_mut) {
        offered.retain(|key, _| !matches!(key.as_str(), "digest" | "nonce"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_people_are_sent_without_salt() {
        let mut value =
            serde_json::json!({"note_added": {"text": Prose::new("hello", [1; 16]), "by": "operator"}});
        readable(&mut value);
        assert_eq!(value, serde_json::json!({"note_added": {"text": "hello", "by": "operator"}}));
    }

    #[test]
    fn nothing_of_a_one_time_code_is_sent() {
        let mut value = serde_json::json!({"link_offered": {"person": "ana", "digest": "d", "nonce": "n"}});
        discreet(&mut value);
        assert_eq!(value, serde_json::json!({"link_offered": {"person": "ana"}}));
    }

    #[test]
    fn accounts_tokens_and_configurations_are_for_admins() {
        use crate::domain::{delivery::Channel, event::Actor, id::GroupId};
        let (account, by) = ("7".to_owned(), Actor::Operator);
        for event in [
            serde_json::from_value(
                serde_json::json!({"configuration_loaded": {"digest": "d", "release": "1"}}),
            ),
            Ok(Event::LinkFailed { channel: Channel::Mail, account: account.clone() }),
            Ok(Event::AccountUnlinked {
                channel: Channel::Mail,
                account,
                person: "ana".into(),
                by: by.clone(),
            }),
            Ok(Event::TokenUsed { token: "laptop".into(), by: by.clone() }),
        ] {
            let event = event.unwrap();
            assert!(for_admins(&event), "{event:?}");
        }
        for event in
            [Event::GroupAcknowledged { group: GroupId(1), by }, Event::GroupClosed { group: GroupId(1) }]
        {
            assert!(!for_admins(&event), "{event:?}");
        }
    }

    #[test]
    fn labels_are_sent_as_they_are_whatever_they_are_called() {
        for labels in [
            serde_json::json!({"salt": "x"}),
            serde_json::json!({"salt": "x", "sha": "y", "text": "z"}),
            serde_json::json!({"salt": 1, "sha": 2, "text": 3}),
        ] {
            let event = serde_json::json!({"alert_fired": {"labels": labels}});
            let mut value = event.clone();
            readable(&mut value);
            assert_eq!(value, event);
        }
    }
}
