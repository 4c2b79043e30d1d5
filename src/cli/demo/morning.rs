//! The second part of the demonstration: at nine the morning check finds something, a guide says what, a restart waits for
//! a second person, and a check says that it helped. Never goes on as if something had happened that did not.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::{stage::Stage, teller::Teller};
use crate::{
    cli::client::Reply,
    text::{card::Card, timeline::Entry},
};

/// How long a step may take: machines that build and test are slow.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(200);
/// The channel of the shop.
const CHANNEL: &str = "#shop";
/// What must be on the incident's timeline, in this order.
const TIMELINE: [&str; 5] = ["incident_opened", "run", "approval", "run_step", "resolved"];

#[derive(Deserialize)]
struct Incident {
    status: String,
    opened_by: String,
}

#[derive(Deserialize)]
struct List<T> {
    items: Vec<T>,
}

/// Plays it.
///
/// # Errors
/// What should have happened and did not.
pub async fn play(stage: &Stage, teller: &Teller) -> anyhow::Result<()> {
    Teller::print(&format!(
        "\n{}\n\nThe shop has runbooks: Markdown files that are commands. One of them runs by itself at nine, and the clock of\n\
         this part shows a moment before that.",
        teller.paint.bold("The next morning")
    ));
    let mut story = Morning { stage, teller, step: 0 };
    story.the_check_runs().await?;
    story.ana_takes_the_guide().await?;
    story.a_restart_needs_two().await?;
    story.it_is_over().await?;
    Teller::print(&format!("\n{}", teller.sure("Every step was checked.")));
    Ok(())
}

struct Morning<'a> {
    stage: &'a Stage,
    teller: &'a Teller,
    step: usize,
}

impl Morning<'_> {
    async fn the_check_runs(&mut self) -> anyhow::Result<()> {
        self.heading("Nine o'clock: the morning check runs by itself");
        self.until("/runbook runs", |text| text.contains("failed")).await?;
        let cards = self.ask("ana", "/runbook runs R-1").await?.cards;
        Teller::print(&self.teller.answer(&cards));
        let incident: Incident = self.look("incidents/INC-1").await?;
        ensure!(incident.opened_by == "shop-bot", "INC-1 was opened by {}", incident.opened_by);
        self.sure("the checkout is slow: the check has opened INC-1");
        Ok(())
    }

    async fn ana_takes_the_guide(&mut self) -> anyhow::Result<()> {
        self.heading("Ana takes it, and the guide");
        self.says("ana", "/incident ack INC-1").await?;
        let guide = self.says("ana", "/troubleshoot checkout").await?;
        ensure!(guide.text.contains("It is slow"), "the guide does not begin: {}", guide.text);
        let found = self.says("ana", "/troubleshoot checkout --step it-is-slow").await?;
        ensure!(found.text.contains("3 of 4 workers wait"), "the guide did not look: {}", found.text);
        Ok(())
    }

    async fn a_restart_needs_two(&mut self) -> anyhow::Result<()> {
        self.heading("A restart waits for a second person");
        let asked = self.says("ana", "/shop restart").await?;
        let run = run_of(&asked.text).context("the restart is no run")?;
        let own = self.tries("ana", &format!("/runbook approve {run}")).await?;
        ensure!(!own.ok, "ana approved what she asked for");
        ensure!(!self.stage.shop.was_restarted(), "the checkout was restarted without a second person");
        self.sure("nobody approves their own request, and nothing was restarted");
        self.says("ben", &format!("/runbook approve {run}")).await?;
        let list = self.until("/runbook runs", |text| ended(text, &run).is_some()).await?;
        let ended_as = list.iter().find_map(|card| ended(&crate::text::lines::card(card), &run));
        let cards = self.ask("ana", &format!("/runbook runs {run}")).await?.cards;
        Teller::print(&self.teller.answer(&cards));
        ensure!(self.stage.shop.was_restarted(), "nobody restarted the checkout");
        ensure!(ended_as == Some("passed"), "the restart ended as {ended_as:?}");
        self.sure("it was restarted once, and the last step has verified that orders are fast again");
        Ok(())
    }

    async fn it_is_over(&mut self) -> anyhow::Result<()> {
        self.heading("It is over, and everything of it is kept");
        self.says("ana", "/incident resolve INC-1 workers hung on the payment provider").await?;
        let incident: Incident = self.look("incidents/INC-1").await?;
        ensure!(incident.status == "resolved", "INC-1 is {} instead of resolved", incident.status);
        self.says("ana", "/incident timeline INC-1").await?;
        let timeline: List<Entry> = self.look("incidents/INC-1/timeline").await?;
        let kinds: Vec<&str> = timeline.items.iter().map(|entry| entry.kind.as_str()).collect();
        let mut rest = kinds.iter();
        for wanted in TIMELINE {
            let there = rest.any(|kind| *kind == wanted);
            ensure!(
                there,
                "`{wanted}` is missing on the timeline or at the wrong place: {}",
                kinds.join(", ")
            );
        }
        Ok(())
    }

    /// Asks until the answer says what it should.
    async fn until(&self, command: &str, fits: impl Fn(&str) -> bool) -> anyhow::Result<Vec<Card>> {
        let until = Instant::now() + PATIENCE;
        loop {
            let reply = self.ask("ana", command).await?;
            if fits(&reply.text) {
                return Ok(reply.cards);
            }
            if Instant::now() > until {
                bail!(
                    "`{command}` did not say what it should within {} s: {}",
                    PATIENCE.as_secs(),
                    reply.text
                );
            }
            sleep(LOOK).await;
        }
    }

    /// A command, and its answer: it must be done.
    async fn says(&self, person: &str, text: &str) -> anyhow::Result<Reply> {
        let reply = self.tries(person, text).await?;
        ensure!(reply.ok, "`{text}` was refused: {}", crate::cli::clean::lines(&reply.text));
        Ok(reply)
    }

    /// A command, and its answer.
    async fn tries(&self, person: &str, text: &str) -> anyhow::Result<Reply> {
        Teller::print(&self.teller.command(person, text));
        let reply = self.ask(person, text).await?;
        Teller::print(&self.teller.answer(&reply.cards));
        Ok(reply)
    }

    async fn ask(&self, person: &str, text: &str) -> anyhow::Result<Reply> {
        let client = self.stage.speaking_as(person);
        client.command(text, Some(CHANNEL)).await.map_err(|failure| anyhow::anyhow!("{failure}"))
    }

    async fn look<T: serde::de::DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        self.stage.client.look(path).await.map_err(|failure| anyhow::anyhow!("/api/v1/{path}: {failure}"))
    }

    fn heading(&mut self, text: &str) {
        self.step += 1;
        Teller::print(&self.teller.heading(self.step, text));
    }

    fn sure(&self, text: &str) {
        Teller::print(&self.teller.sure(text));
    }
}

/// The run that an answer speaks of: `R-2`.
fn run_of(text: &str) -> Option<String> {
    let word = |word: &&str| {
        word.strip_prefix("R-")
            .is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()))
    };
    text.split(|c: char| c.is_whitespace() || c == ':').find(word).map(str::to_owned)
}

/// How a run ended, by the list of runs.
fn ended(text: &str, run: &str) -> Option<&'static str> {
    let line = text.lines().find(|line| line.split_whitespace().next() == Some(run))?;
    ["passed", "failed", "stopped", "expired"].into_iter().find(|verdict| line.contains(verdict))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_in_answers() {
        assert_eq!(run_of("R-12 Restart the checkout: waits"), Some("R-12".to_owned()));
        assert_eq!(run_of("R-x and nothing"), None);
        let list = "id   runbook  status\nR-2  /shop restart  passed\nR-1  /shop morning-check  failed";
        assert_eq!(
            (ended(list, "R-2"), ended(list, "R-1"), ended(list, "R-3")),
            (Some("passed"), Some("failed"), None)
        );
    }
}
