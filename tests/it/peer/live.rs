//! Somebody at a terminal: follows the live stream of a Watchbell. Never says a word.

use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio_tungstenite::tungstenite::{self, Error, Message, WebSocket};

/// One listener with everything that it heard so far.
pub struct Live {
    socket: WebSocket<TcpStream>,
    heard: Vec<Value>,
}

impl Live {
    /// Joins as this person; the greeting has arrived when it returns.
    pub fn follow(port: u16, person: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        let url = format!("ws://127.0.0.1:{port}/api/v1/live?as={person}");
        let (socket, _) = tungstenite::client(url, stream)
            .unwrap_or_else(|error| panic!("{person} cannot listen: {error}"));
        let mut live = Self { socket, heard: Vec::new() };
        assert!(
            live.wait(Duration::from_secs(10), |frame| frame["type"] == "hello").is_some(),
            "no greeting"
        );
        live
    }

    /// Waits for the first frame that fits, among those that were heard already and those that come.
    pub fn wait(&mut self, within: Duration, fits: impl Fn(&Value) -> bool) -> Option<Value> {
        if let Some(frame) = self.heard.iter().find(|frame| fits(frame)) {
            return Some(frame.clone());
        }
        let deadline = Instant::now() + within;
        while Instant::now() < deadline {
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            self.socket.get_ref().set_read_timeout(Some(left)).expect("a timeout");
            let text = match self.socket.read() {
                Ok(Message::Text(text)) => text,
                Ok(_) => continue,
                // The time is over; what arrived of a frame stays in the socket.
                Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
                Err(error) => panic!("the live stream broke off: {error}"),
            };
            let frame: Value = serde_json::from_str(&text).expect("JSON");
            self.heard.push(frame.clone());
            if fits(&frame) {
                return Some(frame);
            }
        }
        None
    }

    /// Everything that was heard so far, for the words of a failure.
    pub fn heard(&self) -> String {
        let lines: Vec<String> = self.heard.iter().map(ToString::to_string).collect();
        lines.join("\n")
    }
}
