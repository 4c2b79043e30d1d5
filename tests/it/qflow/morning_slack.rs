//! The same morning in Slack, on the wire: the check's card is edited where it stands, the incident, the guide and the
//! restart go by buttons, and the second person presses one. Never reaches a real platform.

use watchbell::chat::port::{MessageRef, RoomId};

use super::{
    morning::{RESTART, before_nine, prometheus, restarts},
    site::{Ground, Plan},
};
use crate::chat::{
    contract::{Shown, World, until},
    fake_slack::{APP_TOKEN, BOT_TOKEN, SlackWorld},
};

/// The newest message of a room that fits, once there is one.
async fn message(slack: &SlackWorld, what: &str, room: &RoomId, fits: impl Fn(&Shown) -> bool) -> Shown {
    until(what, || slack.shown(room).into_iter().rev().find(&fits)).await
}

fn has(shown: &Shown, label: &str) -> bool {
    shown.buttons.iter().any(|button| button == label)
}

/// Presses a button that a message has by now.
async fn press(slack: &SlackWorld, account: &str, message: &MessageRef, label: &str) {
    let there =
        || slack.shown(&message.room).into_iter().find(|one| one.message == *message && has(one, label));
    until(label, there).await;
    slack.press(account, message, label);
}

/// How often a message was edited.
fn edits(slack: &SlackWorld, message: &MessageRef) -> usize {
    slack.calls("chat.update").iter().filter(|call| call["ts"] == message.message.as_str()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_morning_of_qflow_in_slack() {
    let slack = SlackWorld::outside().await;
    for name in ["qflow-ops", "alerts"] {
        slack.fake.state().make_room(name, false, "UELSE");
    }
    let (ana, ben, ops) = (slack.account("ana"), slack.account("ben"), slack.room("qflow-ops"));
    let platform = format!(
        "app_token = \"{APP_TOKEN}\"\nbot_token = \"{BOT_TOKEN}\"\napi_url = \"http://{}/api\"\n",
        slack.fake.address
    );
    let chat = Some((platform, vec![("ana", ana.clone()), ("ben", ben.clone())]));
    let plan = Plan { told: Some(prometheus), chat, ..Plan::default() };
    let ground = tokio::task::spawn_blocking(move || Ground::open(&plan)).await.expect("a ground");
    let app = before_nine(&ground).await;

    // The check is one message, edited until it is over.
    let check = message(&slack, "the end of the check", &ops, |one| {
        one.text.contains("Morning health check: failed") && one.text.contains("The sources disagree")
    });
    let check = check.await;
    let of_it = slack.shown(&ops).into_iter().filter(|one| one.text.contains("Morning health check:"));
    assert_eq!(of_it.count(), 1, "{:?}", slack.shown(&ops));
    assert!(edits(&slack, &check.message) > 0, "it was not edited");

    // The incident's card stands beside it, and in a room of its own; ana takes it by the button.
    let card = message(&slack, "the incident's card", &ops, |one| {
        one.text.contains("Prometheus does not reach all of it") && has(one, "Acknowledge")
    });
    let card = card.await.message;
    press(&slack, &ana, &card, "Acknowledge").await;
    let taken =
        |one: &Shown| one.message == card && one.text.contains("Taken by") && !has(one, "Acknowledge");
    message(&slack, "the card says who has it", &ops, taken).await;
    let room = until("the room", || {
        let state = slack.fake.state();
        state.rooms.iter().find(|room| room.name.starts_with("inc-1")).map(|room| RoomId(room.id.clone()))
    });
    let room = room.await;
    message(&slack, "its card there", &room, |one| has(one, "Resolve…")).await;

    // The guide by its buttons.
    slack.command(&ana, &room, "/troubleshoot service-startup");
    let guide = message(&slack, "the guide", &room, |one| has(one, "ports")).await;
    slack.press(&ana, &guide.message, "ports");
    let tried = message(&slack, "the step", &room, |one| {
        one.only.is_none() && one.text.contains("Ports: failed") && has(one, "restart that part")
    });
    assert!(tried.await.text.contains("instance=qflow-validation:9090"));

    // The restart: asked, confirmed, refused to its own requester, approved by the second person.
    slack.command(&ana, &room, "/qflow restart --component validation");
    let asks = message(&slack, "the question", &room, |one| one.only.is_none() && has(one, "Confirm")).await;
    slack.press(&ana, &asks.message, "Confirm");
    let asks = message(&slack, "the request", &room, |one| one.only.is_none() && has(one, "Approve")).await;
    slack.press(&ana, &asks.message, "Approve");
    let no =
        |one: &Shown| one.only.as_ref() == Some(&ana) && one.text.contains("somebody else has to approve");
    message(&slack, "her own yes", &room, no).await;
    let restarted = || ground.programs.calls().into_iter().filter(restarts).collect::<Vec<_>>();
    assert!(restarted().is_empty(), "nobody else has said yes: {:?}", restarted());
    press(&slack, &ben, &asks.message, "Approve").await;
    message(&slack, "the end of the restart", &room, |one| {
        one.only.is_none()
            && one.text.contains("Restart: passed")
            && one.text.contains("3 of 3 targets are up")
    })
    .await;
    assert_eq!(restarted(), [RESTART], "once, and nothing else");

    assert_eq!(slack.violations(), Vec::<String>::new());
    app.stop().await;
}
