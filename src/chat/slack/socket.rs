//! Socket Mode (<https://docs.slack.dev/apis/events-api/using-socket-mode>): gets an address, listens, acknowledges, and
//! gets a new one before the old ends. Never deaf: what is silent for too long is left.
//!
//! The library's own listener is not used: it awaits its callbacks before the acknowledgement leaves, closes a
//! connection that is to be refreshed before the next one stands, waits for ever for a handshake, writes addresses with
//! their tickets into the log, and tells nobody whether it is connected.

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::watch, time::Instant};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use super::{
    faults::{self, About},
    hear::Delivery,
    hearing::{Ack, Hearing, stopped},
};
use crate::{
    chat::port::{Failure, Link, Strange},
    domain::delivery::Channel,
    text::chat::Remedy,
};

/// A message of the socket is not longer than this.
const LONGEST: usize = 4 * 1024 * 1024;
/// So long what Slack still sends over a connection that it takes away is heard.
const REST: Duration = Duration::from_secs(15);
/// So long a goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What comes over the socket; what is not known is nothing to us.
#[derive(Debug, Deserialize)]
struct Envelope {
    r#type: String,
    #[serde(default, rename = "envelope_id")]
    id: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    accepts_response_payload: bool,
    #[serde(default)]
    payload: Value,
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// Slack wants us to make a new one, after this pause; this one goes on for a while.
    Refresh(Duration),
    /// It is gone, or never stood.
    Lost(String),
    /// Slack asked for a pause.
    Wait(Duration),
    /// Somebody has to mend something.
    Broken(Remedy, String),
    /// We are asked to end.
    Stopped,
}

/// The pause before the next try: doubled each time, with up to half of it by chance.
#[derive(Debug)]
struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, next: first }
    }

    fn reset(&mut self) {
        self.next = self.first;
    }

    fn pause(&mut self) -> Duration {
        let pause = self.next.min(self.most);
        self.next = (pause * 2).min(self.most);
        let chance = f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX);
        pause.mul_f64(0.5 + chance / 2.0)
    }
}

/// Listens until it is asked to stop.
pub(super) async fn listen(hearing: Arc<Hearing>) {
    let options = &hearing.slack.options;
    let mut backoff = Backoff::new(options.backoff_first, options.backoff_most);
    let mut stop = hearing.stop.subscribe();
    loop {
        let end = tokio::select! {
            end = connection(&hearing, &mut backoff) => end,
            () = stopped(&mut stop) => End::Stopped,
        };
        let pause = match end {
            // The old one is still heard: nobody needs to know.
            End::Refresh(pause) => pause,
            End::Stopped => return,
            End::Lost(why) => {
                hearing.links.socket(Link::Down(why));
                backoff.pause()
            }
            End::Wait(pause) => {
                hearing.links.socket(Link::Down("Slack asks for a pause".to_owned()));
                pause.max(backoff.pause())
            }
            End::Broken(remedy, why) => {
                hearing.links.socket(Link::Broken(remedy, why));
                options.broken_retry
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Wait(pause) => Self::Wait(pause),
            Failure::TryAgain(why) | Failure::Gone(why) => Self::Lost(why),
            Failure::Refused { why, remedy: Some(remedy) } => Self::Broken(remedy, why),
            Failure::Refused { why, remedy: None } => Self::Lost(why),
        }
    }
}

/// One connection, from its address to its end.
async fn connection(hearing: &Arc<Hearing>, backoff: &mut Backoff) -> End {
    let options = &hearing.slack.options;
    // Who we are, so that our own messages and reactions are not taken for somebody's.
    if let Err(failure) = hearing.slack.greet().await {
        return failure.into();
    }
    let address = match hearing.slack.api.socket().await {
        Ok(address) => address,
        Err(failure) => return failure.into(),
    };
    let limits = WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
    let connected = connect_async_with_config(address.as_str(), Some(limits), true);
    let stream = match tokio::time::timeout(options.hello, connected).await {
        Ok(Ok((stream, _))) => stream,
        // The library's words may hold the address, which is a ticket.
        Ok(Err(_)) => return End::Lost("the socket could not be opened".to_owned()),
        Err(_) => return End::Lost("the socket was not opened in time".to_owned()),
    };
    let begun = Instant::now();
    let mut line = Line { hearing: Arc::clone(hearing), stream, stood: false };
    match line.follow(None).await {
        End::Refresh(_) if line.stood => {
            tokio::spawn(async move { line.follow(Some(Instant::now() + REST)).await });
            // One that is taken away as soon as it stands is not replaced over and over.
            if begun.elapsed() >= options.backoff_first {
                backoff.reset();
                return End::Refresh(Duration::ZERO);
            }
            End::Refresh(backoff.pause())
        }
        End::Refresh(_) => End::Lost("Slack took the socket away".to_owned()),
        end => {
            if line.stood {
                backoff.reset();
            }
            end
        }
    }
}

/// A connection that stands.
struct Line {
    hearing: Arc<Hearing>,
    stream: Stream,
    stood: bool,
}

impl Line {
    /// Hears what comes until the connection ends; with an instant, until then at most and whatever Slack announces.
    async fn follow(&mut self, until: Option<Instant>) -> End {
        let (ping, silence) = (self.hearing.slack.options.ping, self.hearing.slack.options.silence);
        let mut stop: watch::Receiver<bool> = self.hearing.stop.subscribe();
        let mut heard = Instant::now();
        let mut next_ping = tokio::time::interval_at(heard + ping, ping);
        let hello = heard + self.hearing.slack.options.hello;
        loop {
            let deadline = if self.stood { heard + silence } else { hello };
            let deadline = until.map_or(deadline, |until| deadline.min(until));
            let frame = tokio::select! {
                () = stopped(&mut stop) => {
                    drop(tokio::time::timeout(GOODBYE, self.stream.close(None)).await);
                    return End::Stopped;
                }
                _ = next_ping.tick() => {
                    if !self.send(Message::Ping(bytes::Bytes::from_static(b"watchbell"))).await {
                        return End::Lost("the socket broke".to_owned());
                    }
                    continue;
                }
                () = tokio::time::sleep_until(deadline) => {
                    let why = if self.stood { "the socket fell silent" } else { "the socket said no hello" };
                    return End::Lost(why.to_owned());
                }
                frame = self.stream.next() => frame,
            };
            heard = Instant::now();
            match frame {
                Some(Ok(Message::Text(text))) => {
                    if let Some(end) = self.take(&text).await
                        && (until.is_none() || !matches!(end, End::Refresh(_)))
                    {
                        return end;
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => {
                    return End::Lost("the socket was closed".to_owned());
                }
                // The library answers pings by itself, with the next thing that is sent or read.
                Some(Ok(_)) => {}
            }
        }
    }

    async fn take(&mut self, text: &str) -> Option<End> {
        let Ok(envelope) = serde_json::from_str::<Envelope>(text) else {
            self.hearing.ear.strange(Channel::Slack, Strange::Unreadable);
            return None;
        };
        let delivery = match envelope.r#type.as_str() {
            "hello" => {
                self.stood = true;
                self.hearing.links.socket(Link::Up);
                return None;
            }
            "disconnect" => return Some(taken_away(&envelope.reason)),
            "slash_commands" => Some(Delivery::Command),
            "interactive" => Some(Delivery::Interaction),
            "events_api" => Some(Delivery::Event),
            _ => None,
        };
        if envelope.id.is_empty() {
            return None;
        }
        // What we do not understand would not be understood the next time either: it is acknowledged.
        let ack =
            delivery.map_or(Ack::Taken(None), |delivery| self.hearing.take(delivery, &envelope.payload));
        let Ack::Taken(answer) = ack else {
            tracing::warn!("too much at once: a delivery was not acknowledged");
            return None;
        };
        let mut said = json!({ "envelope_id": envelope.id });
        if let (Some(answer), true) = (answer, envelope.accepts_response_payload)
            && let Some(said) = said.as_object_mut()
        {
            said.insert("payload".to_owned(), answer);
        }
        if self.send(Message::text(said.to_string())).await {
            None
        } else {
            Some(End::Lost("the socket broke".to_owned()))
        }
    }

    async fn send(&mut self, message: Message) -> bool {
        let patience = self.hearing.slack.options.hello;
        matches!(tokio::time::timeout(patience, self.stream.send(message)).await, Ok(Ok(())))
    }
}

/// Slack takes the connection away; it says why.
fn taken_away(reason: &str) -> End {
    match reason {
        "warning" | "refresh_requested" => End::Refresh(Duration::ZERO),
        "link_disabled" => faults::failure(reason, About { app: true, ..About::default() }).into(),
        "too_many_websockets" => End::Lost("too many sockets are open".to_owned()),
        _ => End::Lost("Slack took the socket away".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_to_half_a_minute_and_begins_again() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(30));
        for most in [1, 2, 4, 8, 16, 30, 30] {
            let pause = backoff.pause();
            let most = Duration::from_secs(most);
            assert!(pause >= most / 2 && pause <= most, "{pause:?} of {most:?}");
        }
        backoff.reset();
        assert!(backoff.pause() <= Duration::from_secs(1));
    }

    #[test]
    fn every_reason_to_be_taken_away_has_its_consequence() {
        for (reason, end) in [
            ("warning", End::Refresh(Duration::ZERO)),
            ("refresh_requested", End::Refresh(Duration::ZERO)),
            ("link_disabled", End::Broken(Remedy::Intent("Socket Mode".into()), "link_disabled".into())),
            ("too_many_websockets", End::Lost("too many sockets are open".into())),
            ("something_new", End::Lost("Slack took the socket away".into())),
        ] {
            assert_eq!(taken_away(reason), end);
        }
    }
}
