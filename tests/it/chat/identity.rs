//! The real process with a Slack that speaks the real protocol: who is believed, and what an account that was tied by
//! a code gets, also over a `kill -9`. Never reaches a real platform.

use serde_json::Value;
use watchbell::chat::port::RoomId;

use super::{
    contract::{Shown, World, until},
    fake_slack::{APP_TOKEN, BOT_TOKEN, SlackWorld},
};
use crate::peer::{
    load::{self, INTEGRATION},
    watchbell::Watchbell,
};

/// ben leads the alerts and stands with no account in the configuration; eve, by her account, may look.
fn config(slack: &SlackWorld, strangers: &str) -> String {
    format!(
        r##"
[slack]
app_token = "{APP_TOKEN}"
bot_token = "{BOT_TOKEN}"
api_url = "http://{}/api"
incident_rooms = "none"
strangers = "{strangers}"

[person.ben]
name = "Ben Okafor"
urgent = ["now: chat"]

[person.eve]
roles = ["viewer"]
slack = "UANA"

[policy.all]
steps = [{{ page = ["person:ben"], wait = "1h" }}]

{INTEGRATION}
[[route]]
name = "load"
match = ['severity="critical"']
group_by = ["alertname"]
group_wait = "0s"
page = "all"
channel = "#ops"
"##,
        slack.fake.address
    )
}

/// The code that a reply shows.
pub fn code(reply: &Value) -> String {
    assert_eq!(reply["ok"], true, "{reply}");
    let words = reply["cards"][0]["title"].as_str().unwrap_or_default();
    words.rsplit(' ').next().unwrap_or_default().to_owned()
}

async fn whisper(what: &str, world: &SlackWorld, room: &RoomId, account: &str, words: &str) -> Shown {
    let fits = |shown: &Shown| shown.only.as_deref() == Some(account) && shown.text.contains(words);
    until(what, || world.shown(room).into_iter().rev().find(&fits)).await
}

fn groups_taken(watchbell: &Watchbell) -> Vec<Value> {
    let groups = watchbell.items("/api/v1/groups");
    groups.into_iter().filter(|group| !group["acknowledged_by"].is_null()).collect()
}

async fn connected(slack: &SlackWorld) {
    until("the socket is open", || (!slack.fake.state().connections.is_empty()).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_tied_by_a_code_is_paged_also_after_a_kill() {
    let slack = SlackWorld::outside().await;
    let folder = tempfile::tempdir().unwrap();
    let mut watchbell = Watchbell::here(folder.path(), &config(&slack, "look"));
    let (eve, ben, ops) = (slack.account("ana"), slack.account("ben"), slack.room("ops"));
    connected(&slack).await;

    // The card has a button. A stranger and a viewer press it: each is told why not, alone, and nothing changes.
    assert!(load::send(watchbell.port, &load::webhook(1)).unwrap().ok());
    let card = until("the card", || {
        slack
            .shown(&ops)
            .into_iter()
            .find(|shown| shown.text.contains("Load000001") && !shown.buttons.is_empty())
    })
    .await;
    let label = card.buttons.iter().find(|label| label.contains("Acknowledge")).unwrap().clone();
    slack.press(&ben, &card.message, &label);
    let answer = whisper("the stranger's answer", &slack, &ops, &ben, "nobody's").await;
    assert!(answer.text.contains("/watchbell me link CODE") && answer.text.contains("UBEN"), "{answer:?}");
    slack.press(&eve, &card.message, &label);
    let answer = whisper("the viewer's answer", &slack, &ops, &eve, "you are viewer").await;
    assert!(answer.text.contains("Ask ben"), "{answer:?}");
    assert_eq!(groups_taken(&watchbell), Vec::<Value>::new());

    // A code from the console; a wrong one first, then the right one, as `/watchbell me link`.
    let given = code(&watchbell.command("ben", "/me link"));
    slack.command(&ben, &ops, "/watchbell me link 0000-0000-0000");
    whisper("the wrong code", &slack, &ops, &ben, "wrong, used up or too old").await;
    slack.command(&ben, &ops, &format!("/watchbell me link {given}"));
    whisper("the tie", &slack, &ops, &ben, "is ben").await;
    slack.mentions(&ben, &ops, None, "me");
    whisper("who he is, by a mention", &slack, &ops, &ben, "Ben Okafor (ben)").await;

    // The same button is now his to press.
    slack.press(&ben, &card.message, &label);
    until("it is taken", || groups_taken(&watchbell).first().cloned()).await;

    // The next alert pages him on Slack; and the one after a kill, too.
    for number in [2, 3] {
        assert!(load::send(watchbell.port, &load::webhook(number)).unwrap().ok());
        let name = format!("Load{number:06}");
        let page = |shown: &Shown| shown.text.contains("You are paged") && shown.text.contains(&name);
        until("the page", || slack.shown_to(&ben).into_iter().find(page)).await;
        if number == 2 {
            watchbell.start_again();
            connected(&slack).await;
        }
    }

    // The code is in no public message, no log and not in the journal.
    let bare = given.replace('-', "");
    let public = slack.shown(&ops).into_iter().filter(|shown| shown.only.is_none());
    public.for_each(|shown| assert!(!shown.text.contains(&given), "{shown:?}"));
    let journal = String::from_utf8_lossy(&watchbell.journal()).into_owned();
    assert!(journal.contains("account_linked"));
    for place in [&journal, &watchbell.process.tail()] {
        assert!(!place.contains(&given) && !place.contains(&bare), "a code is where it must not be");
    }
    assert_eq!(slack.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_who_may_nothing_are_told_how_to_become_known() {
    let slack = SlackWorld::outside().await;
    let folder = tempfile::tempdir().unwrap();
    let watchbell = Watchbell::here(folder.path(), &config(&slack, "nothing"));
    let (ben, ops) = (slack.account("ben"), slack.room("ops"));
    connected(&slack).await;
    slack.command(&ben, &ops, "/incident list");
    whisper("the refusal", &slack, &ops, &ben, "You may do nothing here").await;
    let given = code(&watchbell.command("ben", "/me link"));
    slack.mentions(&ben, &ops, None, &format!("me link {given}"));
    whisper("the tie", &slack, &ops, &ben, "is ben").await;
    slack.command(&ben, &ops, "/incident list");
    whisper("the list", &slack, &ops, &ben, "open").await;
}
