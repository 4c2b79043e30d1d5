//! The connection over which Discord is heard: identifies, beats, resumes, begins anew, and never stays deaf. Never
//! decides what an event means, never waits for whoever hears it, never logs what it carries.
//!
//! serenity 0.12 keeps its socket's reading side to itself, resumes at the wrong address, tells a cut connection
//! from a silent one only by its heartbeat, and logs events that it cannot read with their tokens. So its words are
//! used (intents, permissions, builders), and the connection is our own.

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        self, Message,
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};
use url::Url;

use super::{
    Hub,
    listen::Listening,
    refusal::TOKEN,
    rest::Call,
    session::{Closed, Session, closed},
    wire,
};
use crate::{
    chat::port::{Failure, Link, Remedy, Strange},
    text::discord::may_have_missed,
};

/// A message that is longer is refused, and the connection with it.
const LONGEST: usize = 16 << 20;
/// A heartbeat's interval is believed between these.
const INTERVALS: std::ops::RangeInclusive<u64> = 5..=300_000;
/// So many messages of a connection may be unreadable.
const UNREADABLE: u32 = 3;
/// So long may it take to put a frame onto the wire.
const WRITE: Duration = Duration::from_secs(5);
/// After so many attempts in vain a session is resumed at the ordinary address.
const AT_ITS_ADDRESS: u32 = 3;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// One event.
#[derive(Debug)]
pub(super) struct Dispatch {
    pub name: String,
    pub data: Value,
    /// The session and the number in it: the same when it is sent again.
    pub id: String,
    /// Whether it happened while the connection was down.
    pub replayed: bool,
}

/// Why a connection ended.
#[derive(Debug)]
enum End {
    /// The session goes on.
    Resume(String),
    /// A new session is needed.
    Anew(String),
    /// Discord asks for a pause.
    Pause(Duration, String),
    /// Somebody has to mend something.
    Broken(Remedy, String),
    /// We are to stop.
    Stopped,
}

#[derive(Deserialize)]
struct Payload {
    op: u64,
    #[serde(default)]
    d: Value,
    #[serde(default)]
    s: Option<u64>,
    #[serde(default)]
    t: Option<String>,
}

/// The connection and what outlives it.
struct Gateway {
    hub: Arc<Hub>,
    listening: Arc<Listening>,
    session: Session,
    stop: watch::Receiver<bool>,
    /// Attempts since the connection last stood.
    tries: u32,
    identified: Option<Instant>,
}

/// Hears Discord until `stop` says so.
pub(super) async fn run(listening: Arc<Listening>, stop: watch::Receiver<bool>) {
    let hub = Arc::clone(&listening.hub);
    let session = Session::default();
    let mut gateway = Gateway { hub, listening, session, stop, tries: 0, identified: None };
    loop {
        let mut stop = gateway.stop.clone();
        let end = gateway.live().await;
        let pause = gateway.after(end);
        let Some(pause) = pause else { return };
        tokio::select! {
            () = stopped(&mut stop) => return,
            () = sleep(pause) => {}
        }
    }
}

impl Gateway {
    /// Tells how a connection ended; how long to wait before the next one; none: never again.
    fn after(&mut self, end: End) -> Option<Duration> {
        let times = self.hub.options.timing;
        let backoff = jittered(times.backoff.saturating_mul(1 << self.tries.min(16)).min(times.backoff_most));
        self.tries = self.tries.saturating_add(1);
        match end {
            End::Stopped => None,
            End::Resume(why) => {
                self.listening.tell(Link::Down(why), false);
                Some(backoff)
            }
            End::Anew(why) => {
                let had = self.session.id.is_some();
                self.session = Session::default();
                self.listening.tell(Link::Down(if had { may_have_missed(&why) } else { why }), had);
                Some(backoff)
            }
            End::Pause(pause, why) => {
                self.listening.tell(Link::Down(why), false);
                Some(pause.max(backoff))
            }
            End::Broken(remedy, why) => {
                self.session = Session::default();
                self.listening.tell(Link::Broken(remedy, why), true);
                Some(times.broken_again)
            }
        }
    }

    /// One connection from its beginning to its end.
    async fn live(&mut self) -> End {
        let times = self.hub.options.timing;
        let mut stop = self.stop.clone();
        let opened = tokio::select! {
            () = stopped(&mut stop) => return End::Stopped,
            opened = timeout(times.connect, self.open()) => opened,
        };
        let (mut socket, interval) = match opened {
            Ok(Ok(opened)) => opened,
            Ok(Err(end)) => return end,
            Err(_) => return End::Resume("no connection in time".into()),
        };
        let end = match self.introduce(&mut socket).await {
            Ok(()) => self.hear(&mut socket, interval).await,
            Err(end) => end,
        };
        // A close that is not clean keeps the session.
        let code = if matches!(end, End::Stopped) { CloseCode::Normal } else { CloseCode::Library(4_900) };
        let frame = CloseFrame { code, reason: "".into() };
        drop(timeout(WRITE.min(times.connect), socket.close(Some(frame))).await);
        end
    }

    /// The socket, and how often it wants a heartbeat.
    async fn open(&mut self) -> Result<(Socket, Duration), End> {
        let address = self.address().await?;
        let config = WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
        let connected = connect_async_with_config(address.as_str(), Some(config), true).await;
        let (mut socket, _) = connected.map_err(|_| End::Resume("no connection to the gateway".into()))?;
        let hello = next(&mut socket).await.map_err(|closed| self.closed(closed))?;
        let interval = wire::number(&hello.d, "heartbeat_interval");
        if hello.op != 10 || !INTERVALS.contains(&interval) {
            return Err(End::Resume("the gateway did not greet as it should".into()));
        }
        Ok((socket, Duration::from_millis(interval)))
    }

    async fn address(&self) -> Result<Url, End> {
        let at_home = self.session.id.is_some() && self.tries < AT_ITS_ADDRESS;
        let known = self.session.resume_url.clone().filter(|_| at_home);
        let address = match known {
            Some(address) => address,
            None => self.ask_for_address().await?,
        };
        let wrong = || End::Resume("Discord named no usable gateway".into());
        let mut url = Url::parse(&address).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "ws" | "wss") {
            return Err(wrong());
        }
        url.set_query(Some("v=10&encoding=json"));
        Ok(url)
    }

    async fn ask_for_address(&self) -> Result<String, End> {
        match self.hub.rest.call(Call::get("/gateway/bot")).await {
            Ok(answer) => {
                let limit = answer.get("session_start_limit").cloned().unwrap_or_default();
                let none_left = limit.get("remaining").and_then(Value::as_u64) == Some(0);
                if none_left && self.session.id.is_none() {
                    let pause = Duration::from_millis(wire::number(&limit, "reset_after"))
                        .min(Duration::from_hours(24));
                    return Err(End::Pause(pause, "Discord allows no further session for now".into()));
                }
                Ok(wire::text(&answer, "url"))
            }
            Err(Failure::Wait(pause)) => Err(End::Pause(pause, "Discord asks for a pause".into())),
            Err(Failure::TryAgain(why) | Failure::Gone(why)) => Err(End::Resume(why)),
            Err(Failure::Refused { why, remedy: Some(remedy) }) => Err(End::Broken(remedy, why)),
            Err(Failure::Refused { why, remedy: None }) => Err(End::Resume(why)),
        }
    }

    /// Resumes the session, or asks for a new one.
    async fn introduce(&mut self, socket: &mut Socket) -> Result<(), End> {
        let options = &self.hub.options;
        let token = options.token.expose_secret();
        let hello = if let Some(id) = &self.session.id {
            json!({ "op": 6, "d": { "token": token, "session_id": id, "seq": self.session.heard.upto() } })
        } else {
            if let Some(last) = self.identified {
                sleep_until(last + options.timing.identify_pause).await;
            }
            self.identified = Some(Instant::now());
            self.session = Session::default();
            json!({ "op": 2, "d": {
                "token": token,
                "intents": options.intents().bits(),
                "compress": false,
                "large_threshold": 50,
                "properties": { "os": std::env::consts::OS, "browser": "watchbell", "device": "watchbell" },
            } })
        };
        send(socket, hello).await
    }

    /// Hears until something ends it.
    async fn hear(&mut self, socket: &mut Socket, interval: Duration) -> End {
        let resuming = self.session.id.is_some();
        let mut stop = self.stop.clone();
        let (mut up, mut unreadable) = (false, 0);
        let stands_by = Instant::now() + self.hub.options.timing.connect;
        // The first one at a random instant, so that not everybody's come together after an outage.
        let mut beat = Instant::now() + interval.mul_f64(random());
        let mut answered = true;
        loop {
            tokio::select! {
                () = stopped(&mut stop) => return End::Stopped,
                () = sleep_until(beat) => {
                    if !answered {
                        return End::Resume("the connection fell silent".into());
                    }
                    answered = false;
                    beat = Instant::now() + interval;
                    if let Err(end) = self.beat(socket).await {
                        return end;
                    }
                }
                () = sleep_until(stands_by), if !up => return End::Resume("the gateway did not let us in".into()),
                payload = next(socket) => {
                    let payload = match payload {
                        Ok(payload) => payload,
                        // Passed over: its number is missing from now on, and what is missing is told at the next
                        // resume. Several of them, and it is no gateway that speaks there.
                        Err(Cut::Unreadable) => {
                            self.listening.strange(Strange::Unreadable);
                            unreadable += 1;
                            if unreadable > UNREADABLE {
                                return End::Anew("the gateway sends what cannot be read".into());
                            }
                            continue;
                        }
                        Err(how) => return self.closed(how),
                    };
                    match payload.op {
                        0 => match self.dispatch(payload, resuming && !up) {
                            Ok(true) => up = true,
                            Ok(false) => {}
                            Err(end) => return end,
                        },
                        1 => if let Err(end) = self.beat(socket).await {
                            return end;
                        },
                        7 => return End::Resume("Discord asked for a new connection".into()),
                        9 => return self.invalid(payload.d.as_bool() == Some(true)).await,
                        11 => answered = true,
                        // Whatever Discord invents later.
                        _ => {}
                    }
                }
            }
        }
    }

    async fn invalid(&mut self, resumable: bool) -> End {
        // Discord wants a pause of one to five seconds here.
        let (least, most) = self.hub.options.timing.invalid_pause;
        sleep(least + most.saturating_sub(least).mul_f64(random())).await;
        if resumable {
            End::Resume("Discord interrupted the session".into())
        } else {
            End::Anew("Discord ended the session".into())
        }
    }

    async fn beat(&self, socket: &mut Socket) -> Result<(), End> {
        let upto = Some(self.session.heard.upto()).filter(|upto| *upto > 0);
        send(socket, json!({ "op": 1, "d": upto })).await
    }

    /// Takes an event; true: the connection stands now.
    fn dispatch(&mut self, payload: Payload, replayed: bool) -> Result<bool, End> {
        let (Some(number), Some(name)) = (payload.s, payload.t) else { return Ok(false) };
        if name == "READY" {
            self.session.id = wire::some(&payload.d, "session_id");
            self.session.resume_url = wire::some(&payload.d, "resume_gateway_url");
        }
        if !self.session.heard.is_new(number) {
            return Ok(false);
        }
        let stands = matches!(&*name, "READY" | "RESUMED");
        let id = format!("{}:{number}", self.session.id.as_deref().unwrap_or("new"));
        if !self.listening.take(Dispatch { name, data: payload.d, id, replayed }) {
            // It was not accepted, so a resumed session sends it again.
            return Err(End::Resume("more happens than can be heard".into()));
        }
        self.session.heard.accept(number);
        if stands {
            self.stands();
        }
        Ok(stands)
    }

    fn stands(&mut self) {
        self.tries = 0;
        let missing = self.session.heard.settle();
        if missing > 0 {
            let why = format!("Discord left {missing} events out when the session was resumed");
            self.listening.tell(Link::Down(may_have_missed(&why)), true);
        }
        self.listening.tell(Link::Up, false);
    }

    fn closed(&self, how: Cut) -> End {
        match how {
            Cut::Frame(code) => match closed(code) {
                Closed::Resume => End::Resume(format!("the gateway closed the connection ({})", shown(code))),
                Closed::Anew => End::Anew(format!("the gateway ended the session ({})", shown(code))),
                Closed::Token => {
                    End::Broken(Remedy::Token(TOKEN.into()), "4004 Authentication failed".into())
                }
                Closed::Intents => {
                    let intents = self.hub.options.privileged().join(" and ");
                    End::Broken(Remedy::Intent(intents), format!("{} Disallowed intents", shown(code)))
                }
            },
            Cut::Lost => End::Resume("the connection was cut".into()),
            Cut::Unreadable => End::Resume("the gateway sent what cannot be read".into()),
            // Resumed, it would only be sent again.
            Cut::TooLong => {
                self.listening.strange(Strange::TooLong);
                End::Anew("the gateway sent more than is taken at once".into())
            }
        }
    }
}

fn shown(code: Option<u16>) -> String {
    code.map_or_else(|| "no reason".to_owned(), |code| code.to_string())
}

/// How a connection was lost.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Frame(Option<u16>),
    Lost,
    Unreadable,
    TooLong,
}

/// The next payload.
async fn next(socket: &mut Socket) -> Result<Payload, Cut> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).map_err(|_| Cut::Unreadable),
            Some(Ok(Message::Close(frame))) => return Err(Cut::Frame(frame.map(|frame| frame.code.into()))),
            Some(Ok(Message::Binary(_))) => return Err(Cut::Unreadable),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Err(tungstenite::Error::Capacity(_))) => return Err(Cut::TooLong),
            Some(Err(_)) | None => return Err(Cut::Lost),
        }
    }
}

async fn send(socket: &mut Socket, payload: Value) -> Result<(), End> {
    match timeout(WRITE, socket.send(Message::text(payload.to_string()))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::Resume("the connection was cut".into())),
    }
}

/// Waits until we are to stop, or nobody is there any more who could say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// Between half of it and all of it.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + random() / 2.0)
}

/// A number from 0 to 1; the middle when the system has none.
fn random() -> f64 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}
