//! Follows the live stream and comes back by itself when it breaks. Never gives anything on twice.

use std::{future::pending, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::course::{Course, Opened};
use crate::cli::client::{
    Client, Failure,
    live::{Frame, Happened, Live, Said},
};

/// What was said before we came is sent at once; so long after the first word it is complete.
const EARLIER: Duration = Duration::from_millis(400);

/// What a listener hears.
#[derive(Debug)]
pub enum Heard {
    /// Something happened.
    Happened(Happened),
    /// The bot says something.
    Said(Box<Said>),
    /// What the bot said before we came; at most once.
    Earlier(Vec<Said>),
    /// The connection is gone; it is tried again after the wait.
    Lost {
        /// Why, in a few words.
        why: String,
        /// How long.
        wait: Duration,
    },
    /// The connection is there again; true: to a server with another journal, so something may be missing.
    Back(bool),
    /// The server does not want us any more; it is not tried again.
    Ended(String),
}

/// Follows from an open stream on until nobody listens, or the server does not want us.
pub async fn follow(client: Client, live: Live, hear: mpsc::Sender<Heard>) {
    let mut course = Course::default();
    let mut stream = Some(live);
    // How often it was told that the connection is gone since it was last there.
    let mut told = false;
    loop {
        let why = match stream.take() {
            Some(live) => listen(live, &mut course, &hear, &mut told).await,
            None => match client.live(course.from()).await {
                Ok(live) => {
                    stream = Some(live);
                    continue;
                }
                // Our place is not one of this journal.
                Err(Failure::Problem { status: 400, .. }) if course.from().is_some() => {
                    course.forget();
                    continue;
                }
                Err(failure) if !failure.is_absence() => {
                    drop(hear.send(Heard::Ended(failure.to_string())).await);
                    return;
                }
                Err(
                    Failure::NotThere { why, .. }
                    | Failure::Unclear { why, .. }
                    | Failure::Stranger { why, .. },
                ) => why,
                Err(failure) => failure.to_string(),
            },
        };
        let wait = course.lost();
        if !told {
            told = true;
            drop(hear.send(Heard::Lost { why, wait }).await);
        }
        tokio::select! {
            () = hear.closed() => return,
            () = sleep(wait) => {}
        }
    }
}

/// One connection; gives why it ended.
async fn listen(mut live: Live, course: &mut Course, hear: &mpsc::Sender<Heard>, told: &mut bool) -> String {
    let mut earlier: Option<(Instant, Vec<Said>)> = None;
    loop {
        let until = earlier.as_ref().map(|(until, _)| *until);
        let collected = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => pending().await,
            }
        };
        let heard = tokio::select! {
            frame = live.next() => match frame {
                Err(why) => return why,
                Ok(Frame::Hello { seq }) => {
                    let opened = course.hello(seq);
                    if opened == Opened::First {
                        earlier = Some((Instant::now() + EARLIER, Vec::new()));
                    }
                    if !std::mem::take(told) {
                        continue;
                    }
                    Heard::Back(opened == Opened::Elsewhere)
                }
                Ok(Frame::Event(event)) if course.event(event.seq) => Heard::Happened(event),
                Ok(Frame::Message(said)) if course.message(&said.delivery.to_string(), said.revision) => {
                    if let Some((_, kept)) = &mut earlier {
                        kept.push(said);
                        continue;
                    }
                    Heard::Said(Box::new(said))
                }
                Ok(_) => continue,
            },
            () = collected => match earlier.take() {
                Some((_, kept)) if !kept.is_empty() => Heard::Earlier(kept),
                _ => continue,
            },
            () = hear.closed() => return String::new(),
        };
        if hear.send(heard).await.is_err() {
            return String::new();
        }
    }
}
