//! The demonstration with a visitor: they are ana, alerts fire, telephones ring, and they may write commands. Never
//! acknowledges anything for them.

use std::{pin::pin, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};

use super::{
    phones::{Ring, Way},
    script::{goodbye, introduction},
    service::Service,
    stage::{Stage, TEAM},
    teller::Teller,
};
use crate::{
    cli::{
        client::live::Happened,
        console::{Console, OwnWords, Shows},
    },
    text::card::Tone,
};

/// Time to read the introduction.
const OPENING: Duration = Duration::from_secs(5);
/// After somebody took it, the service works again.
const REPAIR: Duration = Duration::from_secs(20);
/// Events that the story tells; telephones and cards tell the others.
const TOLD: [&str; 7] = [
    "alert_fired",
    "incident_opened",
    "escalated",
    "acknowledged",
    "page_stopped",
    "unanswered",
    "alert_resolved",
];

/// What the visitor asks the service for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Break,
    Recover,
}

/// Plays until the visitor leaves.
///
/// # Errors
/// When the terminal or the server cannot be used.
pub async fn play(stage: &mut Stage, teller: Teller) -> anyhow::Result<()> {
    let you = TEAM[0];
    let client = stage.speaking_as(you);
    let live = client.live(None).await.map_err(|failure| anyhow::anyhow!("{failure}"))?;
    Teller::print(&introduction(stage, &teller));
    Teller::print(&format!(
        "\n{}\nThe checkout breaks in {} s. Numbers press the buttons of a card, /help lists the commands, Tab completes;\n\
         `break` and `recover` are for the shop, `exit` leaves.\n",
        teller.paint.bold(&format!("You are {you}.")),
        OPENING.as_secs()
    ));
    let farewell = goodbye(&teller);
    let (order, orders) = mpsc::channel(8);
    let (tell, told) = mpsc::channel(64);
    let shows: Shows = Arc::new(|event| TOLD.contains(&event.kind.as_str()));
    let console = Console {
        client,
        channel: Some("#shop".to_owned()),
        paint: teller.paint.clone(),
        shows,
        own_words: own_words(order),
    };
    let mut director = Director { teller, tell, service: &mut stage.service, heard: Vec::new() };
    let directed = pin!(director.direct(&mut stage.rings, &mut stage.events, orders));
    tokio::select! {
        talked = console.talk(live, told) => talked?,
        directed = directed => directed?,
    }
    Teller::print(&format!("\n{farewell}"));
    Ok(())
}

fn own_words(order: mpsc::Sender<Order>) -> OwnWords {
    Arc::new(move |line| {
        let (what, answer) = match line {
            "break" => (Order::Break, "The checkout breaks."),
            "recover" => (Order::Recover, "The checkout is repaired."),
            _ => return None,
        };
        // Full: the same was asked for a moment ago.
        let _ = order.try_send(what);
        Some(answer.to_owned())
    })
}

struct Director<'a> {
    teller: Teller,
    tell: mpsc::Sender<String>,
    service: &'a mut Service,
    heard: Vec<Ring>,
}

impl Director<'_> {
    async fn direct(
        &mut self,
        rings: &mut mpsc::Receiver<Ring>,
        events: &mut mpsc::Receiver<Happened>,
        mut orders: mpsc::Receiver<Order>,
    ) -> anyhow::Result<()> {
        let mut opening = pin!(sleep(OPENING));
        let mut opened = false;
        let mut repair: Option<Instant> = None;
        loop {
            let repaired = async {
                match repair {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = &mut opening, if !opened => {
                    opened = true;
                    self.breaks().await?;
                }
                () = repaired => {
                    repair = None;
                    self.recovers().await?;
                }
                Some(order) = orders.recv() => match order {
                    Order::Break => { opened = true; self.breaks().await?; }
                    Order::Recover => { repair = None; self.recovers().await?; }
                },
                Some(ring) = rings.recv() => self.rings(ring).await,
                Some(event) = events.recv() => {
                    if event.kind == "acknowledged" && self.service.is_broken() && repair.is_none() {
                        repair = Some(Instant::now() + REPAIR);
                        self.acknowledged(&event.by).await;
                    }
                }
                else => return Ok(()),
            }
        }
    }

    async fn breaks(&mut self) -> anyhow::Result<()> {
        if self.service.is_broken() {
            return Ok(());
        }
        self.heard.clear();
        self.service.breaks().await?;
        self.says(
            &self.teller.sure("the checkout breaks; its Alertmanager posts the alert: 202, kept on disk"),
        )
        .await;
        Ok(())
    }

    async fn recovers(&mut self) -> anyhow::Result<()> {
        if !self.service.is_broken() {
            return Ok(());
        }
        self.service.recovers().await?;
        self.says(&self.teller.sure("the checkout works again; its Alertmanager says so")).await;
        let hint = "Look at /incident timeline and /incident postmortem; `break` starts over, `exit` leaves.";
        self.hints(hint).await;
        Ok(())
    }

    async fn rings(&mut self, ring: Ring) {
        let (person, way) = (ring.person.clone(), ring.way);
        let first = !self.heard.iter().any(|heard| heard.person == person && heard.way == way);
        self.says(&self.teller.ring(&ring)).await;
        self.heard.push(ring);
        let hint = match (person.as_str(), way) {
            ("ana", Way::Push) => {
                "That is your telephone. Type 1 to take it, or wait and see who is woken next."
            }
            ("ben", Way::Push) => "You did not answer within 8 s, so ben is woken. You can still take it.",
            ("chi", Way::Push) => "Neither of you answered: chi is the last one.",
            _ => return,
        };
        if first {
            self.hints(hint).await;
        }
    }

    async fn acknowledged(&self, by: &str) {
        let hint = format!(
            "{by} has it: nobody else is paged. The checkout is repaired in {} s, or with `recover`.",
            REPAIR.as_secs()
        );
        self.hints(&hint).await;
    }

    async fn hints(&self, text: &str) {
        let hint = self.teller.paint.toned(Tone::Plain, &format!("       → {text}"));
        self.says(&hint).await;
    }

    async fn says(&self, text: &str) {
        // The console is gone: so is everything else in a moment.
        drop(self.tell.send(text.to_owned()).await);
    }
}
