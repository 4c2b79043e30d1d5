//! A storm of 5,000 alerts in a minute through the real process, with Slack, Discord and a telephone that count: no call
//! above what the platforms document, every page within a second, few messages, and true numbers at the end.
//! Never reaches a real platform.

mod incidents;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    chat::fake_slack::{APP_TOKEN, BOT_TOKEN, Fake as Slack, SlackWorld},
    chat_discord::fake::{ANA, BEN, Fake as Discord, GUILD, OPS, TOKEN},
    peer::{
        load::{self, INTEGRATION},
        server::Server,
        watchbell::Watchbell,
    },
};

const ALERTS: u32 = 5_000;
const MINUTE: Duration = Duration::from_mins(1);
/// Every tenth alert is a group of its own; the others belong to twenty large ones.
const OWN: u32 = 10;
const LARGE: u32 = 20;
/// A page is there this long after its first alert was answered.
const AT_ONCE: Duration = Duration::from_secs(1);

/// ana is paged by telephone; ben in both chats first, and by telephone when those cannot follow.
fn config(slack: &Slack, discord: &Discord, phone: &Server) -> String {
    let (address, base, port) = (slack.address, &discord.base, phone.port);
    format!(
        r##"
[slack]
app_token = "{APP_TOKEN}"
bot_token = "{BOT_TOKEN}"
api_url = "http://{address}/api"
[discord]
token = "{TOKEN}"
guild = "{GUILD}"
category = "110000000000000700"
message_content = true
server_members = true
api_url = "{base}"

[severity.P1]
name = "High"
means = "A major function is impaired"
labels = ['severity="critical"']
urgency = "urgent"
page = "all"

[person.ana]
name = "Ana Ruiz"
discord = "{ANA}"
contacts = {{ hook = "http://127.0.0.1:{port}/ana" }}
urgent = ["now: hook"]
routine = ["now: hook"]
[person.ben]
name = "Ben Ode"
slack = "UBEN"
discord = "{BEN}"
contacts = {{ hook = "http://127.0.0.1:{port}/ben" }}
urgent = ["now: chat", "5m: hook"]
routine = ["now: chat", "5m: hook"]

[policy.all]
steps = [{{ page = ["person:ana", "person:ben"], wait = "1h" }}]

{INTEGRATION}
[[route]]
name = "load"
match = ['service="load"']
group_by = ["alertname"]
group_wait = "0s"
page = "all"
channel = "#ops"
[unrouted]
channel = "#ops"
"##
    )
}

/// The group of an alert.
fn group(number: u32) -> String {
    if number.is_multiple_of(OWN) {
        format!("Storm{number:05}x")
    } else {
        format!("Large{:05}x", number % LARGE)
    }
}

fn webhook(number: u32, ended: bool) -> String {
    let group = group(number);
    let (status, ends) =
        if ended { ("resolved", "2030-01-01T00:00:00Z") } else { ("firing", "0001-01-01T00:00:00Z") };
    load::webhook(number)
        .replace(&load::name(number), &group)
        .replace(r#""service":"load""#, &format!(r#""service":"load","host":"h{number}""#))
        .replace(r#""status":"firing""#, &format!(r#""status":"{status}""#))
        .replace(r#""endsAt":"0001-01-01T00:00:00Z""#, &format!(r#""endsAt":"{ends}""#))
}

/// Sends alerts evenly over `within`, by several senders; answers when each group's first one was answered.
fn send(port: u16, numbers: &[u32], ended: bool, within: Duration) -> BTreeMap<String, Instant> {
    let answered: Arc<Mutex<BTreeMap<String, Instant>>> = Arc::default();
    let start = Instant::now();
    let pause = within / u32::try_from(numbers.len()).expect("not that many");
    thread::scope(|scope| {
        for sender in 0..4 {
            let answered = Arc::clone(&answered);
            scope.spawn(move || {
                for (index, number) in (0_u32..).zip(numbers).filter(|(index, _)| index % 4 == sender) {
                    // The pace of the storm, not a wait for something to happen.
                    thread::sleep((start + pause * index).saturating_duration_since(Instant::now()));
                    let answer = load::send(port, &webhook(*number, ended)).expect("an answer");
                    assert!(answer.ok(), "{answer:?}");
                    let mut answered = answered.lock().expect("no sender panicked");
                    answered.entry(group(*number)).or_insert_with(Instant::now);
                }
            });
        }
    });
    Arc::into_inner(answered).expect("nobody sends any more").into_inner().expect("no sender panicked")
}

/// When the first of these texts named each group.
fn first_named<'a>(texts: impl IntoIterator<Item = (Instant, &'a str)>) -> BTreeMap<String, Instant> {
    let mut named = BTreeMap::new();
    for (at, text) in texts {
        for (start, _) in text.match_indices("Storm").chain(text.match_indices("Large")) {
            if let Some(name) = text.get(start..start + 11).filter(|name| name.ends_with('x')) {
                let first: &mut Instant = named.entry(name.to_owned()).or_insert(at);
                *first = (*first).min(at);
            }
        }
    }
    named
}

/// How long after its first alert was answered each group's page came.
fn waits(answered: &BTreeMap<String, Instant>, paged: &BTreeMap<String, Instant>) -> Vec<Duration> {
    let mut waits: Vec<Duration> = answered
        .iter()
        .map(|(group, at)| {
            let paged = paged.get(group).unwrap_or_else(|| panic!("{group} has no page"));
            paged.saturating_duration_since(*at)
        })
        .collect();
    waits.sort_unstable();
    waits
}

fn say(who: &str, waits: &[Duration]) -> Duration {
    let at = |share: usize| waits[(waits.len() - 1) * share / 100];
    println!("{who}: {} pages, p50 {:?}, p99 {:?}, max {:?}", waits.len(), at(50), at(99), at(100));
    at(100)
}

/// Pages of a person by telephone, and in their own conversations.
fn paged(phone: &Server, person: &str, chats: &[(Instant, String)]) -> BTreeMap<String, Instant> {
    let heard = phone.heard();
    let path = format!("/{person}");
    let rang = heard.iter().filter(|request| request.is_page() && request.path == path);
    let rang = rang.map(|request| (request.at, request.body.as_str()));
    first_named(rang.chain(chats.iter().map(|(at, text)| (*at, text.as_str()))))
}

/// What the bot posted: when, where, what. Edits are none.
fn slack_posts(slack: &Slack) -> Vec<(Instant, String, String)> {
    let state = slack.state();
    let calls = state.calls.iter().zip(&state.times).filter(|((method, _), _)| method == "chat.postMessage");
    let text = |arguments: &Value| arguments["channel"].as_str().unwrap_or_default().to_owned();
    calls.map(|((_, arguments), at)| (*at, text(arguments), arguments.to_string())).collect()
}

fn discord_posts(discord: &Discord) -> Vec<(Instant, String, String)> {
    let state = discord.state();
    let calls = state.calls.iter().zip(&state.times);
    let posts = calls.filter_map(|((call, body), at)| {
        let room = call.strip_prefix("POST /channels/")?.strip_suffix("/messages")?;
        Some((*at, room.to_owned(), body.to_string()))
    });
    posts.collect()
}

/// The card of the storm as it stands in a channel.
fn storm_card(texts: impl IntoIterator<Item = String>) -> Option<String> {
    texts.into_iter().find(|text| text.contains("(ST-1)"))
}

fn both_cards(slack: &Slack, ops: &str, discord: &Discord) -> Option<[String; 2]> {
    let in_slack = {
        let state = slack.state();
        storm_card(state.room(ops)?.messages.iter().map(|message| message.body.to_string()))?
    };
    let state = discord.state();
    let said = state.messages.iter().filter(|said| said.channel == OPS);
    Some([in_slack, storm_card(said.map(|said| said.body.to_string()))?])
}

async fn until(what: &str, within: Duration, mut so: impl FnMut() -> bool) {
    let by = Instant::now() + within;
    while !so() {
        assert!(Instant::now() < by, "never came: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "storms for a minute in real time: scripts/test"]
async fn five_thousand_alerts_in_a_minute_page_at_once_and_no_platform_is_asked_too_often() {
    let world = SlackWorld::outside().await;
    let (slack, discord) = (Arc::clone(&world.fake), Discord::start().await);
    slack.state().habits.counts = true;
    discord.state().counts = true;
    let phone = Server::start(|_| (200, String::new()));
    let folder = tempfile::tempdir().expect("a folder");
    let watchbell = Watchbell::here(folder.path(), &config(&slack, &discord, &phone));
    let ops = slack.state().rooms.iter().find(|room| room.name == "ops").expect("#ops").id.clone();
    let (port, all) = (watchbell.port, (0..ALERTS).collect::<Vec<_>>());
    let sent = tokio::task::spawn_blocking(move || send(port, &all, false, MINUTE));
    let answered = sent.await.expect("the senders");
    let groups = u64::from(ALERTS / OWN + LARGE - LARGE / OWN);
    assert_eq!(answered.len() as u64, groups);

    until("all pages", Duration::from_secs(10), || {
        let mine = |posts: Vec<(Instant, String, String)>, room: &str| {
            posts
                .into_iter()
                .filter(|(_, to, _)| to != room)
                .map(|(at, _, text)| (at, text))
                .collect::<Vec<_>>()
        };
        let chats = [mine(slack_posts(&slack), &ops), mine(discord_posts(&discord), OPS)].concat();
        let chats: Vec<_> = chats.into_iter().filter(|(_, text)| text.contains("You are paged")).collect();
        let (ana, ben) = (paged(&phone, "ana", &[]), paged(&phone, "ben", &chats));
        let whole = [&ana, &ben].iter().all(|paged| answered.keys().all(|group| paged.contains_key(group)));
        if whole {
            let direct = chats.len();
            println!("{direct} of ben's pages came by chat so far");
            let (ana, ben) = (say("ana", &waits(&answered, &ana)), say("ben", &waits(&answered, &ben)));
            assert!(ana <= AT_ONCE, "ana's telephone: {ana:?}");
            assert!(ben <= AT_ONCE, "ben, by chat or telephone: {ben:?}");
        }
        whole
    })
    .await;

    let shared = groups - 10;
    let told = |firing: u64, ended: u64| {
        let counts = format!("{firing} fire, {ended} ended");
        both_cards(&slack, &ops, &discord)
            .is_some_and(|cards| cards.iter().all(|card| card.contains(&counts)))
    };
    until("the storm's card counts its groups", MINUTE, || told(shared, 0)).await;

    // Half of the groups of their own end.
    let over: Vec<u32> = (0..ALERTS).filter(|number| number % (OWN * 2) == OWN && *number > 400).collect();
    let ended = over.len() as u64;
    tokio::task::spawn_blocking(move || send(port, &over, true, Duration::from_secs(2)))
        .await
        .expect("the senders");
    let by = Instant::now() + MINUTE;
    while !told(shared - ended, ended) {
        let cards = both_cards(&slack, &ops, &discord);
        assert!(Instant::now() < by, "the card does not count what ended: {cards:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let in_ops = |posts: Vec<(Instant, String, String)>, room: &str| {
        posts.iter().filter(|(_, to, _)| to == room).count()
    };
    let (in_slack, in_discord) = (in_ops(slack_posts(&slack), &ops), in_ops(discord_posts(&discord), OPS));
    println!("{in_slack} messages in Slack's channel, {in_discord} in Discord's");
    assert_eq!((in_slack, in_discord), (11, 11), "ten groups have their own, the others share one");
    for (name, violations) in
        [("Slack", slack.state().violations.clone()), ("Discord", discord.state().violations.clone())]
    {
        assert!(violations.is_empty(), "{name}: {violations:?}");
    }
}
