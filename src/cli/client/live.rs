//! The live stream of a server: events and messages as they happen. Never keeps a connection that has gone silent.

use std::time::Duration;

use futures_util::StreamExt;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        Error, Message, client::IntoClientRequest, error::ProtocolError, protocol::WebSocketConfig,
    },
};

use super::{ANSWER, Client, Failure};
use crate::text::card::Card;

/// The server asks three times a minute whether we are there; after so long without any, it is not there itself.
const SILENCE: Duration = Duration::from_secs(70);
/// The largest frame that is taken, in bytes.
const FRAME: usize = 4 * 1024 * 1024;

/// What comes over the stream.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "one is read, taken apart and gone")]
pub enum Frame {
    /// First: the last sequence before what follows.
    Hello {
        /// That sequence.
        seq: u64,
    },
    /// Something happened.
    Event(Happened),
    /// The bot says something.
    Message(Said),
    /// Of a later release.
    #[serde(other)]
    Unknown,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Happened {
    /// Its place in the journal.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What it is (`acknowledged`).
    pub kind: String,
    /// By whom.
    #[serde(default)]
    pub by: String,
    /// One sentence; empty: there is nothing to say about it.
    #[serde(default)]
    pub text: String,
    /// What it is about (`G-17`).
    #[serde(default)]
    pub subject: Option<String>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Said {
    /// The delivery; the same for every attempt.
    pub delivery: serde_json::Value,
    /// When it left.
    pub at: Timestamp,
    /// The channel or the person.
    pub to: String,
    /// `page`, `resolved`, `card`, `notice`.
    pub kind: String,
    /// Of a card: a higher one takes the place of a lower one.
    #[serde(default)]
    pub revision: u32,
    /// What it says.
    pub card: Card,
}

/// An open stream.
pub struct Live(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Live {
    /// The next frame.
    ///
    /// # Errors
    /// Why the stream ended, in a few words.
    pub async fn next(&mut self) -> Result<Frame, String> {
        loop {
            let message = match timeout(SILENCE, self.0.next()).await {
                Err(_) => return Err("the server has gone silent".to_owned()),
                Ok(None | Some(Err(Error::ConnectionClosed | Error::AlreadyClosed))) => {
                    return Err("the server closed the connection".to_owned());
                }
                Ok(Some(Err(
                    Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) | Error::Io(_),
                ))) => {
                    return Err("the connection broke".to_owned());
                }
                Ok(Some(Err(_))) => return Err("the connection cannot be understood any more".to_owned()),
                Ok(Some(Ok(message))) => message,
            };
            match message {
                Message::Text(text) => {
                    return serde_json::from_str(&text)
                        .map_err(|_| "the server sent something that cannot be read".to_owned());
                }
                Message::Close(Some(close)) if !close.reason.is_empty() => {
                    return Err(super::clean::line(&close.reason));
                }
                _ => {}
            }
        }
    }
}

impl Client {
    /// Follows what happens after the sequence `from`; without it, from now on.
    ///
    /// # Errors
    /// When the server does not let us.
    pub async fn live(&self, from: Option<u64>) -> Result<Live, Failure> {
        let mut url = self.named(self.at("api/v1/live", &[]));
        if let Some(from) = from {
            url.query_pairs_mut().append_pair("from", &from.to_string());
        }
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        let not_there = |why: String| Failure::NotThere { place: self.place().clone(), why };
        url.set_scheme(scheme).map_err(|()| not_there("the address cannot be used".to_owned()))?;
        let mut request = url
            .as_str()
            .into_client_request()
            .map_err(|_| not_there("the address cannot be used".to_owned()))?;
        if let Some(token) = &self.token {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
                .map_err(|_| not_there("the token has characters that no token has".to_owned()))?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let config = WebSocketConfig::default().max_message_size(Some(FRAME)).max_frame_size(Some(FRAME));
        match timeout(ANSWER, connect_async_with_config(request, Some(config), true)).await {
            Ok(Ok((stream, _))) => Ok(Live(stream)),
            Ok(Err(Error::Http(response))) => {
                let body = response.body().as_deref().unwrap_or_default();
                Err(self.problem(response.status(), body))
            }
            Ok(Err(Error::Io(error))) => Err(not_there(error.kind().to_string())),
            Ok(Err(_)) => Err(self.stranger("it does not speak WebSocket there".to_owned())),
            Err(_) => Err(not_there("too slow".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_and_those_of_later_releases_passed_over() {
        let read = |text: &str| serde_json::from_str::<Frame>(text).unwrap();
        assert_eq!(read(r#"{"type":"hello","seq":7}"#), Frame::Hello { seq: 7 });
        assert_eq!(read(r#"{"type":"weather","rain":true}"#), Frame::Unknown);
        let event = read(
            r#"{"type":"event","seq":8,"at":"2026-03-01T12:00:00Z","kind":"note","by":"ana","text":"hi","event":{}}"#,
        );
        assert!(matches!(event, Frame::Event(happened) if happened.seq == 8 && happened.text == "hi"));
        let said = read(
            r##"{"type":"message","delivery":"D-1","at":"2026-03-01T12:00:00Z","to":"#ops","kind":"card",
                "subject":"G-1","revision":2,"card":{"title":"Down"}}"##,
        );
        assert!(matches!(said, Frame::Message(said) if said.to == "#ops" && said.card.title == "Down"));
    }
}
