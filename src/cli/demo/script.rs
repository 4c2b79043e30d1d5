//! The demonstration without a visitor: each step waits for what must follow, and looks it up. Never goes on as if
//! something had happened that did not.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::{
    phones::{Ring, Way},
    service::ALERT,
    stage::Stage,
    teller::Teller,
};
use crate::text::{card::Card, timeline::Entry};

/// How much longer than planned a step may take: machines that build and test are slow.
const SLACK: Duration = Duration::from_secs(20);
/// How long the quiet after the acknowledgement is watched: longer than the next step was away.
const QUIET: Duration = Duration::from_secs(9);

/// Time to read.
const BREATH: Duration = Duration::from_secs(2);

/// What must be on the incident's timeline, in this order.
const TIMELINE: [&str; 6] = ["incident_opened", "paged", "escalated", "acknowledged", "status", "resolved"];

#[derive(Deserialize)]
struct Group {
    status: String,
    acknowledged_by: Option<String>,
}

#[derive(Deserialize)]
struct Incident {
    status: String,
    acknowledged_by: Option<String>,
    opened_by: String,
}

#[derive(Deserialize)]
struct List<T> {
    items: Vec<T>,
}

/// Plays the story.
///
/// # Errors
/// What should have happened and did not.
pub async fn play(stage: &mut Stage, teller: &Teller) -> anyhow::Result<()> {
    Teller::print(&introduction(stage, teller));
    let mut story = Story { stage, teller, heard: Vec::new(), step: 0 };
    story.alert_fires().await?;
    let link = story.it_escalates().await?;
    story.ben_acknowledges(&link).await?;
    story.ben_says_what_it_is().await?;
    story.listen_for(BREATH).await;
    story.it_is_over().await?;
    story.listen_for(BREATH).await;
    story.what_remains().await?;
    Teller::print(&format!("\n{}\n\n{}", teller.sure("Every step was checked."), goodbye(teller)));
    Ok(())
}

/// What this is.
pub fn introduction(stage: &Stage, teller: &Teller) -> String {
    format!(
        "{}\n\n\
         Watchbell is real here: it takes alerts over HTTP, keeps a journal on disk and pages people. The team, their\n\
         telephones and the web shop are simulated, all of it on this machine ({place}).\n\
         Waits are shortened: seconds here are minutes in real life.\n\n  \
         ana  is on call: a push at once, a call 4 s later\n  \
         ben  is behind her: paged when she has not answered after 8 s\n  \
         chi  is asked last, 8 s after that\n\n{folder}",
        teller.paint.bold("Watchbell, the on-call team's bot: a demonstration"),
        place = stage.place().as_str().trim_end_matches('/'),
        folder = teller
            .paint
            .dim(&format!("Configuration and journal are in {} until the end.", stage.folder().display())),
    )
}

/// Where to go from here.
pub fn goodbye(teller: &Teller) -> String {
    format!(
        "{}\n  watchbell demo --morning   the next morning: a check, a guide, a restart that needs two\n  \
         watchbell check            is your configuration right? (a folder `config`; the built-in example until then)\n  \
         watchbell serve            the server\n  \
         watchbell console          chat with it from this terminal\n  \
         README.md                  the first alert of your own Prometheus in five minutes",
        teller.paint.bold("From here:")
    )
}

/// A postmortem without the part that was shown a moment ago.
fn without_timeline(document: &str) -> String {
    let mut shown = Vec::new();
    let mut inside = false;
    for line in document.lines() {
        if line.starts_with("## ") {
            inside = line.starts_with("## Timeline");
            if inside {
                shown.extend([line, "", "… as above", ""]);
            }
        }
        if !inside {
            shown.push(line);
        }
    }
    shown.join("\n")
}

struct Story<'a> {
    stage: &'a mut Stage,
    teller: &'a Teller,
    heard: Vec<Ring>,
    step: usize,
}

impl Story<'_> {
    async fn alert_fires(&mut self) -> anyhow::Result<()> {
        self.heading("The checkout of the shop breaks");
        self.stage.service.breaks().await?;
        self.sure("its Alertmanager posts the alert to /hooks/shop: 202, kept on disk");
        self.rings("ana", Way::Push, "ana is paged by push").await?;
        let incident: Incident = self.look("incidents/INC-1").await?;
        ensure!(incident.opened_by == "watchbell", "INC-1 was opened by {}", incident.opened_by);
        self.sure("INC-1 is open, and the channel #shop knows");
        Ok(())
    }

    /// Gives the link on ben's telephone.
    async fn it_escalates(&mut self) -> anyhow::Result<url::Url> {
        self.heading("Ana sleeps through it");
        self.rings("ana", Way::Call, "ana is called").await?;
        let ring = self.rings("ben", Way::Push, "it escalates to ben").await?;
        ensure!(!self.was_paged("chi"), "chi was paged before her turn");
        ring.ack.context("there is no link to acknowledge on ben's telephone")
    }

    async fn ben_acknowledges(&mut self, link: &url::Url) -> anyhow::Result<()> {
        self.heading("Ben wakes up and presses Acknowledge on his telephone");
        let http = reqwest::Client::builder().no_proxy().build()?;
        let answer = http.post(link.clone()).send().await.context("ben's button reaches nobody")?;
        ensure!(answer.status().is_success(), "ben's button was answered with {}", answer.status());
        let group: Group = self.look("groups/G-1").await?;
        let incident: Incident = self.look("incidents/INC-1").await?;
        for (what, by) in [("G-1", group.acknowledged_by), ("INC-1", incident.acknowledged_by)] {
            ensure!(by.as_deref() == Some("ben"), "{what} is acknowledged by {by:?} instead of ben");
        }
        self.sure("ben has it: no further page leaves");
        let before = self.pages();
        self.listen_for(QUIET).await;
        ensure!(self.pages() == before, "somebody was paged after the acknowledgement");
        self.sure(&format!("{} s later: no telephone rang again, chi sleeps on", QUIET.as_secs()));
        Ok(())
    }

    async fn ben_says_what_it_is(&mut self) -> anyhow::Result<()> {
        self.heading("Ben tells the others what it is, in chat");
        let cards = self.says("/incident status INC-1 identified a certificate has expired").await?;
        Teller::print(&self.teller.answer(&cards));
        let incident: Incident = self.look("incidents/INC-1").await?;
        ensure!(incident.status == "identified", "INC-1 is {} instead of identified", incident.status);
        Ok(())
    }

    async fn it_is_over(&mut self) -> anyhow::Result<()> {
        self.heading("The certificate is renewed, the checkout works again");
        self.stage.service.recovers().await?;
        self.sure("its Alertmanager posts that it is resolved: 202");
        for person in ["ana", "ben"] {
            let ring = self.rings(person, Way::Chat, "everybody who was paged hears of the end").await?;
            ensure!(ring.words.contains("Resolved"), "{person} reads: {}", ring.words);
        }
        ensure!(self.heard.iter().all(|ring| ring.person != "chi"), "chi heard of it, and was never paged");
        let group: Group = self.look("groups/G-1").await?;
        ensure!(group.status == "closed", "G-1 is {} instead of closed", group.status);
        self.says("/incident resolve INC-1 certificate renewed, renewal is automatic now").await?;
        let incident: Incident = self.look("incidents/INC-1").await?;
        ensure!(incident.status == "resolved", "INC-1 is {} instead of resolved", incident.status);
        self.sure("INC-1 is resolved");
        Ok(())
    }

    async fn what_remains(&mut self) -> anyhow::Result<()> {
        self.heading("What remains: the timeline, and a postmortem to start from");
        let timeline: List<Entry> = self.look("incidents/INC-1/timeline").await?;
        let kinds: Vec<&str> = timeline.items.iter().map(|entry| entry.kind.as_str()).collect();
        let mut rest = kinds.iter();
        for wanted in TIMELINE {
            ensure!(
                rest.any(|kind| *kind == wanted),
                "`{wanted}` is missing on the timeline or at the wrong place: {}",
                kinds.join(", ")
            );
        }
        for command in ["/incident timeline INC-1", "/incident postmortem INC-1"] {
            let mut cards = self.says(command).await?;
            for card in &mut cards {
                card.document = without_timeline(&card.document);
            }
            let shown = self.teller.answer(&cards);
            ensure!(shown.contains(ALERT), "{command} does not say what it was about");
            Teller::print(&shown);
        }
        Ok(())
    }

    /// Waits for a telephone; whatever rings meanwhile is told as well.
    async fn rings(&mut self, person: &str, way: Way, what: &str) -> anyhow::Result<Ring> {
        let is_it = |ring: &Ring| ring.person == person && ring.way == way;
        if let Some(ring) = self.heard.iter().find(|ring| is_it(ring)) {
            return Ok(ring.clone());
        }
        let until = Instant::now() + SLACK;
        while let Some(ring) = self.next(until).await {
            if is_it(&ring) {
                return Ok(ring);
            }
        }
        let heard: Vec<String> =
            self.heard.iter().map(|ring| format!("{} {}", ring.person, ring.way.as_str())).collect();
        let heard = if heard.is_empty() { "nothing".to_owned() } else { heard.join(", ") };
        bail!("{what}: that did not happen within {} s; telephones received: {heard}", SLACK.as_secs())
    }

    async fn listen_for(&mut self, duration: Duration) {
        let until = Instant::now() + duration;
        while self.next(until).await.is_some() {}
    }

    async fn next(&mut self, until: Instant) -> Option<Ring> {
        let ring = timeout_at(until, self.stage.rings.recv()).await.ok().flatten()?;
        Teller::print(&self.teller.ring(&ring));
        self.heard.push(ring.clone());
        Some(ring)
    }

    /// A command of ben's.
    async fn says(&self, text: &str) -> anyhow::Result<Vec<Card>> {
        Teller::print(&self.teller.command("ben", text));
        let client = self.stage.speaking_as("ben");
        let reply =
            client.command(text, Some("#shop")).await.map_err(|failure| anyhow::anyhow!("{failure}"))?;
        ensure!(reply.ok, "`{text}` was refused: {}", crate::cli::clean::lines(&reply.text));
        Ok(reply.cards)
    }

    async fn look<T: serde::de::DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.stage.client.look(path).await.map_err(|failure| anyhow::anyhow!("/api/v1/{path}: {failure}"))
    }

    fn pages(&self) -> usize {
        self.heard.iter().filter(|ring| ring.way != Way::Chat).count()
    }

    fn was_paged(&self, person: &str) -> bool {
        self.heard.iter().any(|ring| ring.person == person)
    }

    fn heading(&mut self, text: &str) {
        self.step += 1;
        Teller::print(&self.teller.heading(self.step, text));
    }

    fn sure(&self, text: &str) {
        Teller::print(&self.teller.sure(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeline_is_left_out_of_the_postmortem() {
        let document = "# A\n\n## Times\n\n| a |\n\n## Timeline (UTC)\n\n| b |\n\n## End\nc";
        let expected = "# A\n\n## Times\n\n| a |\n\n## Timeline (UTC)\n\n… as above\n\n## End\nc";
        assert_eq!(without_timeline(document), expected);
        assert_eq!(without_timeline(""), "");
    }
}
