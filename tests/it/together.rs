//! Several people do the same thing at the same moment: one over the API, one in Slack, one in Discord. One of them has
//! done it, the others are told who, and nothing happens twice. Never reaches a real platform.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Barrier},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use watchbell::chat::port::RoomId;

use crate::{
    chat::{
        contract::World as _,
        fake_slack::{APP_TOKEN, BOT_TOKEN, SlackWorld},
    },
    chat_discord::{
        fake::{BEN, Fake as Discord, GUILD, ME, OPS, TOKEN, shown},
        world::typed,
    },
    peer::{
        http,
        load::{self, INTEGRATION},
        watchbell::Watchbell,
    },
};

const SOON: Duration = Duration::from_secs(20);

/// ana is at the API, ben in Slack, chi in Discord; alerts page nobody here.
fn config(slack: &SlackWorld, discord: &Discord) -> String {
    let person = |id: &str, account: &str| {
        format!(
            "[person.{id}]\nname = \"{id}\"\nroles = [\"responder\", \"operator\"]\n{account}\n\
             urgent = [\"now: chat\"]\nroutine = [\"now: chat\"]\n"
        )
    };
    format!(
        r##"
[slack]
app_token = "{APP_TOKEN}"
bot_token = "{BOT_TOKEN}"
api_url = "http://{}/api"
[discord]
token = "{TOKEN}"
guild = "{GUILD}"
category = "110000000000000700"
message_content = true
server_members = true
api_url = "{}"
[severity.P1]
name = "High"
means = "A major function is impaired"
labels = ['severity="critical"']
urgency = "urgent"
{}{}{}
{INTEGRATION}
[[route]]
name = "load"
match = ['service="load"']
group_by = ["alertname"]
group_wait = "0s"
channel = "#ops"
[unrouted]
channel = "#ops"
"##,
        slack.fake.address,
        discord.base,
        person("ana", ""),
        person("ben", "slack = \"UBEN\""),
        person("chi", &format!("discord = \"{BEN}\"")),
    )
}

struct House {
    slack: SlackWorld,
    discord: Discord,
    watchbell: Watchbell,
    ops: RoomId,
    _folder: tempfile::TempDir,
}

async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let by = Instant::now() + SOON;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < by, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether an answer says that it was not done.
fn refuses(text: &str) -> bool {
    text.to_lowercase().contains("nothing was changed")
}

impl House {
    async fn open() -> Self {
        let (slack, discord) = (SlackWorld::outside().await, Discord::start().await);
        let folder = tempfile::tempdir().unwrap();
        let watchbell = Watchbell::here(folder.path(), &config(&slack, &discord));
        let ops = slack.room("ops");
        until("both platforms are up", || {
            let up = !slack.fake.state().connections.is_empty() && !discord.state().commands.is_empty();
            up.then_some(())
        })
        .await;
        Self { slack, discord, watchbell, ops, _folder: folder }
    }

    fn says(&self, text: &str) -> Value {
        self.watchbell.command("ana", text)
    }

    fn done(&self, text: &str) {
        let answer = self.says(text);
        assert_eq!(answer["ok"], true, "{text}: {answer}");
    }

    /// What ben was told alone in Slack, and chi in Discord.
    fn told(&self) -> [Vec<String>; 2] {
        let to_ben = self.slack.shown(&self.ops).into_iter();
        let to_ben = to_ben.filter(|one| one.only.as_deref() == Some("UBEN")).map(|one| one.text).collect();
        let state = self.discord.state();
        let said =
            state.messages.iter().filter(|said| said.author == ME && said.only.as_deref() == Some(BEN));
        [to_ben, said.map(|said| shown(&said.body)).collect()]
    }

    /// All three at once; who has done it, and what the two others were told.
    async fn at_once(&self, text: &str, in_discord: &str) -> (&'static str, BTreeMap<&'static str, String>) {
        let before = self.told().map(|all| all.len());
        let (port, ready) = (self.watchbell.port, Arc::new(Barrier::new(2)));
        let body = json!({"text": text, "person": "ana"}).to_string();
        let begins = Arc::clone(&ready);
        let by_api = tokio::task::spawn_blocking(move || {
            begins.wait();
            http::post(port, "/api/v1/commands", &body).expect("an answer")
        });
        let data = typed(&self.discord.state().commands, in_discord);
        let wait = Arc::clone(&ready);
        tokio::task::spawn_blocking(move || wait.wait()).await.unwrap();
        self.slack.command("UBEN", &self.ops, text);
        self.discord.command_in(OPS, BEN, data);
        let answer = by_api.await.unwrap().json();
        let ana = format!("{} {}", answer["text"].as_str().unwrap_or_default(), answer["card"]);
        let refused = || {
            let mut refused = BTreeMap::new();
            if answer["ok"] == false {
                refused.insert("ana", ana.clone());
            }
            for ((who, told), before) in ["ben", "chi"].into_iter().zip(self.told()).zip(before) {
                let no = told.into_iter().skip(before).find(|text| refuses(text));
                refused.extend(no.map(|no| (who, no)));
            }
            refused
        };
        let refused = until(text, || Some(refused()).filter(|refused| refused.len() >= 2)).await;
        let did: Vec<_> =
            ["ana", "ben", "chi"].into_iter().filter(|who| !refused.contains_key(who)).collect();
        assert_eq!(did.len(), 1, "{text}: {refused:?}");
        for (who, no) in &refused {
            assert!(no.contains(did[0]), "{text}: {who} is not told that it was {}: {no}", did[0]);
        }
        (did[0], refused)
    }

    /// Who did a thing of this kind, by a timeline.
    fn doers(&self, path: &str, kind: &str) -> Vec<String> {
        let entries = self.watchbell.items(path).into_iter();
        let of_kind = entries.filter(|entry| entry["kind"] == kind);
        of_kind.filter_map(|entry| entry["by"].as_str().map(str::to_owned)).collect()
    }

    /// Says what cannot be done; the answer must say why.
    fn refused(&self, text: &str, words: &[&str]) {
        let answer = self.says(text);
        assert_eq!(answer["ok"], false, "{text}: {answer}");
        let said = answer.to_string();
        for word in words {
            assert!(said.contains(word), "{text} does not say `{word}`: {said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_second_is_told_who_was_first_wherever_they_are() {
    let house = House::open().await;
    for number in 1..=4 {
        assert!(load::send(house.watchbell.port, &load::webhook(number)).unwrap().ok());
    }
    until("the groups", || (house.watchbell.items("/api/v1/groups").len() == 4).then_some(())).await;
    let mut winners = BTreeSet::new();
    for group in 1..=3 {
        let text = format!("/ack G-{group}");
        let (did, _) = house.at_once(&text, &text).await;
        let path = format!("/api/v1/groups/G-{group}/timeline");
        assert_eq!(house.doers(&path, "acknowledged"), [did], "once");
        winners.insert(did);
    }

    house.done("/incident open P1 the first");
    house.done("/incident open P1 the second");
    house.done("/incident task add INC-1 restore the backup");
    house.done("/incident task add INC-1 tell the customers");
    let timeline = "/api/v1/incidents/INC-1/timeline";
    let entries = |house: &House| house.watchbell.items(timeline).len();
    for text in ["/incident task done T-1", "/incident task drop T-2"] {
        let before = entries(&house);
        let (did, _) = house.at_once(text, text).await;
        assert_eq!(entries(&house), before + 1, "{text}: one of them");
        winners.insert(did);
    }
    house.done("/silence add service=other --for 2h --comment a test");
    let (did, _) = house.at_once("/silence expire S-1", "/silence expire S-1").await;
    winners.insert(did);

    let (did, refused) =
        house.at_once("/incident merge INC-2 into INC-1", "/incident merge INC-2 INC-1").await;
    assert!(refused.values().all(|no| no.contains("INC-1")), "{refused:?}");
    assert_eq!(house.watchbell.json("/api/v1/incidents/INC-2")["merged_into"], "INC-1");
    winners.insert(did);
    let (did, _) = house.at_once("/incident resolve INC-1", "/incident resolve INC-1").await;
    assert_eq!(house.doers(timeline, "resolved"), [did]);
    winners.insert(did);
    println!("first were {winners:?}");

    // What is gone, closed, merged or taken says so, and what to do.
    house.refused("/ack G-99", &["There is no group G-99"]);
    house.refused("/alert show A-99", &["There is no alert A-99"]);
    house.refused("/incident show INC-99", &["There is no incident INC-99"]);
    house.refused("/incident resolve INC-1", &["INC-1 is resolved since", ", by "]);
    house.refused("/incident merge INC-2 into INC-1", &["INC-2 is merged into INC-1 since", ", by "]);
    house.refused("/incident handover INC-2", &["INC-2 is merged into INC-1 since"]);
    house.refused("/incident task done T-1", &["T-1"]);
    house.refused("/incident task done T-99", &["T-99"]);
    house.refused("/silence expire S-1", &["S-1"]);
    house.refused("/silence expire S-99", &["S-99"]);
    house.done("/alert resolve G-4");
    house.refused("/ack G-4", &["G-4 closed at", "a new group opens"]);
    house.refused("/alert snooze G-4 for 30m", &["G-4"]);
    house.refused("/incident merge INC-1 into INC-1", &["INC-1"]);
    assert_eq!(house.slack.violations(), Vec::<String>::new());
    assert_eq!(house.discord.state().violations, Vec::<String>::new());
}
