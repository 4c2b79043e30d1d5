//! The real process with a Discord that speaks the real protocol: who is believed, and what an account that was tied
//! by a code gets, also over a `kill -9`. Never reaches a real platform.

use serde_json::{Value, json};
use watchbell::chat::port::{MessageRef, RoomId};

use super::fake::{ANA, BEN, Fake, GUILD, ME, OPS, Said, TOKEN, shown};
use crate::{
    chat::identity::code,
    peer::{
        load::{self, INTEGRATION},
        watchbell::Watchbell,
    },
};

/// ben leads the alerts and stands with no account in the configuration; eve, by her account, may look.
fn config(fake: &Fake) -> String {
    format!(
        r##"
[discord]
token = "{TOKEN}"
guild = "{GUILD}"
incident_rooms = "none"
api_url = "{}"

[person.ben]
name = "Ben Okafor"
urgent = ["now: chat"]

[person.eve]
roles = ["viewer"]
discord = "{ANA}"

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
        fake.base
    )
}

/// What the bot says with these words in a channel, to everybody or to one account alone.
async fn message(what: &str, fake: &Fake, channel: &str, only: Option<&str>, words: &str) -> Said {
    fake.until(what, |state| {
        let said = state.messages.iter().rev().filter(|said| said.channel == channel && said.author == ME);
        let mut said = said.filter(|said| said.only.as_deref() == only);
        said.find(|said| format!("{} {}", shown(&said.body), said.body).contains(words)).cloned()
    })
    .await
}

/// `/me` as Discord sends it: its words are one text.
fn me(words: &str) -> Value {
    json!({ "name": "me", "type": 1, "options": [{ "name": "command", "type": 3, "value": words }] })
}

fn taken(watchbell: &Watchbell) -> usize {
    let groups = watchbell.items("/api/v1/groups");
    groups.iter().filter(|group| !group["acknowledged_by"].is_null()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_tied_by_a_code_is_paged_also_after_a_kill() {
    let fake = Fake::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut watchbell = Watchbell::here(folder.path(), &config(&fake));
    fake.until("the commands", |state| (!state.commands.is_empty()).then_some(())).await;
    let command = fake.state().commands.iter().find(|command| command["name"] == "me").cloned().unwrap();
    assert_eq!(command["options"][0]["name"], "command", "{command}");

    // A stranger and a viewer press the card's button: each is told why not, alone, and nothing changes.
    assert!(load::send(watchbell.port, &load::webhook(1)).unwrap().ok());
    let card = message("the card", &fake, OPS, None, "Load000001").await;
    let place = MessageRef { room: RoomId(card.channel.clone()), message: card.id.clone() };
    fake.press(BEN, &place, "Acknowledge");
    let answer = message("the stranger's answer", &fake, OPS, Some(BEN), "nobody's").await;
    assert!(shown(&answer.body).contains("/me link CODE"), "{answer:?}");
    fake.press(ANA, &place, "Acknowledge");
    message("the viewer's answer", &fake, OPS, Some(ANA), "you are viewer").await;
    assert_eq!(taken(&watchbell), 0);

    // A code from the console, used there.
    let given = code(&watchbell.command("ben", "/me link"));
    fake.command(BEN, me("link 0000-0000-0000"));
    message("the wrong code", &fake, OPS, Some(BEN), "wrong, used up or too old").await;
    fake.command(BEN, me(&format!("link {given}")));
    message("the tie", &fake, OPS, Some(BEN), "is ben").await;
    fake.command(BEN, json!({ "name": "me", "type": 1 }));
    message("who he is", &fake, OPS, Some(BEN), "by a code, since").await;
    fake.press(BEN, &place, "Acknowledge");
    fake.until("it is taken", |_| (taken(&watchbell) == 1).then_some(())).await;

    // The next alert pages him there; and the one after a kill, too.
    for number in [2, 3] {
        assert!(load::send(watchbell.port, &load::webhook(number)).unwrap().ok());
        message("the page", &fake, &format!("9{BEN}"), None, &format!("Load{number:06}")).await;
        if number == 2 {
            watchbell.start_again();
            fake.until("it is let in again", |state| (state.identified == 2).then_some(())).await;
        }
    }
    let journal = String::from_utf8_lossy(&watchbell.journal()).into_owned();
    assert!(journal.contains("account_linked") && !journal.contains(&given));
    assert!(!watchbell.process.tail().contains(&given), "a code is in the log");
    assert_eq!(fake.violations(), Vec::<String>::new());
}
