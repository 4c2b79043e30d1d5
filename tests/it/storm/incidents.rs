//! A storm on a route that opens incidents, through the real process, with Slack, Discord and a telephone that count:
//! hundreds of groups within seconds are one incident with one page and one card in each channel, edited where it
//! stands, also when the process is killed in the middle. Never reaches a real platform.

use std::{collections::BTreeSet, time::Instant};

use super::*;
use crate::peer::load::Load;

const GROUPS: u32 = 600;
/// How often the process is killed.
const KILLS: usize = 2;
/// So many of them have cards of their own.
const OWN: u32 = 10;
/// From one edit of a card to the next at least; how often it may change follows from that.
const CARD_PAUSE: Duration = Duration::from_secs(2);

/// The house of the other storm, with a route that opens one incident for what collects within a second.
fn config(slack: &Slack, discord: &Discord, phone: &Server) -> String {
    let with = super::config(slack, discord, phone);
    let waits = "group_wait = \"0s\"\npage = \"all\"";
    assert_eq!(with.matches(waits).count(), 1);
    with.replace(waits, "group_wait = \"1s\"\npage = \"all\"\nincident = true")
}

/// Sends what ended, all of it at once by one sender.
fn ends(port: u16, numbers: impl Iterator<Item = u32>) {
    for number in numbers {
        let body = load::webhook(number)
            .replace(r#""status":"firing""#, r#""status":"resolved""#)
            .replace(r#""endsAt":"0001-01-01T00:00:00Z""#, r#""endsAt":"2030-01-01T00:00:00Z""#);
        assert!(load::send(port, &body).expect("an answer").ok());
    }
}

/// A message as it stands: where, which, what it says.
type Stands = (String, String, String);

/// Everything that stands on each platform.
fn messages(slack: &Slack, discord: &Discord) -> [Vec<Stands>; 2] {
    let state = slack.state();
    let in_slack = state.rooms.iter().flat_map(|room| {
        room.messages.iter().map(|one| (room.id.clone(), one.ts.clone(), one.body.to_string()))
    });
    let in_slack = in_slack.collect();
    drop(state);
    let state = discord.state();
    let said = state.messages.iter();
    [in_slack, said.map(|said| (said.channel.clone(), said.id.clone(), said.body.to_string())).collect()]
}

/// The card of the incident, in its room: one that counts groups is no page and no notice.
fn of_incident((_, _, says): &Stands) -> bool {
    says.contains("(INC-1)") && says.contains("groups open") && !says.contains("You are paged")
}

/// The card of the storm, in the channel.
fn of_storm((_, _, says): &Stands) -> bool {
    says.contains("(ST-1)")
}

/// The one such message on each platform, once it says this; never two.
async fn both_say(
    (slack, discord): (&Slack, &Discord),
    which: fn(&Stands) -> bool,
    says: impl Fn(&str) -> bool,
) -> [Stands; 2] {
    let by = Instant::now() + MINUTE;
    loop {
        let cards = messages(slack, discord).map(|all| all.into_iter().filter(which).collect::<Vec<_>>());
        assert!(cards.iter().all(|cards| cards.len() <= 1), "two cards of one thing: {cards:?}");
        if let [[in_slack], [in_discord]] = cards.each_ref().map(Vec::as_slice)
            && says(&in_slack.2)
            && says(&in_discord.2)
        {
            return [in_slack.clone(), in_discord.clone()];
        }
        assert!(Instant::now() < by, "it is not said: {cards:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// How many groups the card of a storm counts, those that ended included.
fn counted(card: &str) -> Option<u32> {
    let (before, after) = card.split_once(" fire, ")?;
    let fire: String = before.chars().rev().take_while(char::is_ascii_digit).collect();
    let fire: String = fire.chars().rev().collect();
    let ended = after.split(' ').next()?;
    Some(fire.parse::<u32>().ok()? + ended.parse::<u32>().ok()?)
}

/// How often each of these messages was edited.
fn edits(slack: &Slack, discord: &Discord, [in_slack, in_discord]: &[Stands; 2]) -> [usize; 2] {
    let of_slack = slack.state();
    let updates =
        of_slack.calls.iter().filter(|(method, call)| method == "chat.update" && call["ts"] == *in_slack.1);
    let at = format!("PATCH /channels/{}/messages/{}", in_discord.0, in_discord.1);
    let of_discord = discord.state();
    [updates.count(), of_discord.calls.iter().filter(|(call, _)| *call == at).count()]
}

/// The keys under which somebody's telephone was paged: what is repeated after a crash carries the same.
fn keys(phone: &Server, person: &str) -> BTreeSet<String> {
    let path = format!("/{person}");
    let heard = phone.heard();
    let pages = heard.iter().filter(|request| request.is_page() && request.path == path);
    pages.map(|page| page.header("idempotency-key").expect("a key").to_owned()).collect()
}

/// How often the journal has an event of this kind.
fn events(watchbell: &Watchbell, kind: &str) -> usize {
    let exported = watchbell.other(&["journal", "export"]);
    let kind = format!("\"event\":{{\"{kind}\":");
    String::from_utf8_lossy(&exported.stdout).matches(&kind).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_groups_are_one_incident_with_one_card_and_one_page_also_over_a_kill() {
    let world = SlackWorld::outside().await;
    let (slack, discord) = (Arc::clone(&world.fake), Discord::start().await);
    slack.state().habits.counts = true;
    discord.state().counts = true;
    let phone = Server::start(|_| (200, String::new()));
    let folder = tempfile::tempdir().expect("a folder");
    let mut watchbell = Watchbell::here(folder.path(), &config(&slack, &discord, &phone));
    let ops = slack.state().rooms.iter().find(|room| room.name == "ops").expect("#ops").id.clone();
    let (port, began) = (watchbell.port, Instant::now());

    // Killed twice: while groups still collect and nobody was told, and while cards change.
    let load = Load::start(port);
    load.more(GROUPS / 3);
    until("some collect", MINUTE, || load.accepted().len() >= 100).await;
    watchbell.start_again();
    until("the first third", MINUTE, || load.accepted().len() >= GROUPS as usize / 3).await;
    until("the page", MINUTE, || !keys(&phone, "ana").is_empty()).await;
    load.more(GROUPS - GROUPS / 3);
    let both = (&*slack, &discord);
    both_say(both, of_incident, |_| true).await;
    watchbell.start_again();
    until("all are accepted", MINUTE, || load.accepted().len() >= GROUPS as usize).await;
    let accepted = load.stop();
    assert_eq!(accepted.len(), GROUPS as usize);

    let all = format!("{GROUPS} of {GROUPS} groups open, {GROUPS} alerts fire");
    let incident = both_say(both, of_incident, |card| card.contains(&all)).await;
    let shared = GROUPS - OWN;
    let all = format!("{shared} fire, 0 ended");
    let storm = both_say(both, of_storm, |card| card.contains(&all)).await;
    println!("all are told after {:?}", began.elapsed());

    // Half of them end: the same cards, edited.
    ends(port, accepted.iter().copied().filter(|number| number % 2 == 0));
    let ended = accepted.iter().filter(|number| *number % 2 == 0).count();
    let left = format!("{} of {GROUPS} groups open", accepted.len() - ended);
    both_say(both, of_storm, |card| !card.contains(" 0 ended") && counted(card) == Some(shared)).await;

    let incidents = watchbell.items("/api/v1/incidents");
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert_eq!(events(&watchbell, "incident_opened"), 1);
    assert_eq!(events(&watchbell, "page_started"), 1);
    assert_eq!((keys(&phone, "ana").len(), keys(&phone, "ben").len()), (1, 0), "{:?}", phone.heard());
    let taken = watchbell.command("ben", "/ack INC-1");
    assert_eq!(taken["ok"], true, "{taken}");
    let theirs = watchbell.items("/api/v1/groups?status=acknowledged");
    assert_eq!(theirs.len(), accepted.len() - ended);
    assert!(theirs.iter().all(|group| group["acknowledged_by"] == "ben"), "{:?}", theirs.first());
    both_say(both, of_storm, |card| !card.contains("Nobody has")).await;
    // The incident's own card is edited with what happens to the incident, and is true then.
    both_say(both, of_incident, |card| card.contains(&left)).await;

    let standing = messages(&slack, &discord);
    let channels = [ops.as_str(), OPS];
    let in_channels = standing
        .iter()
        .zip(channels)
        .map(|(all, channel)| all.iter().filter(|(room, _, _)| room == channel).count());
    assert_eq!(in_channels.collect::<Vec<_>>(), [OWN as usize + 1; 2], "ten of their own, and the storm's");
    // One each 2 s at most, and what a start says anew.
    let most = usize::try_from(began.elapsed().as_secs() / CARD_PAUSE.as_secs()).expect("small") + 4;
    for card in [&incident, &storm] {
        let edited = edits(&slack, &discord, card);
        println!("{edited:?} edits of a card");
        assert!(edited.iter().all(|edits| (1..=most).contains(edits)), "{edited:?} of {most}");
    }
    for (name, violations) in [("Slack", slack.violations()), ("Discord", discord.state().violations.clone())]
    {
        // A process that was killed does not know how much it has asked for: the first answer after it says so.
        let (over, others): (Vec<_>, Vec<_>) =
            violations.into_iter().partition(|violation| violation.ends_with("above its limit"));
        assert!(others.is_empty() && over.len() <= KILLS, "{name}: {others:?}, {over:?}");
    }
}
