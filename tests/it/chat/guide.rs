//! A chart and a guide in Slack: the picture arrives once, buttons choose steps, and the place outlives a restart. Never
//! reaches a real platform.

use watchbell::{chat::port::RoomId, domain::delivery::Channel};

use super::{
    contract::{Shown, World, until},
    fake_slack::{APP_TOKEN, BOT_TOKEN, SlackWorld},
};
use crate::guides::{STANDS, TRIED, assert_kept_beside, assert_told, prometheus, shown, start};

async fn message(slack: &SlackWorld, what: &str, room: &RoomId, fits: impl Fn(&Shown) -> bool) -> Shown {
    until(what, || slack.shown(room).into_iter().rev().find(&fits)).await
}

fn has(shown: &Shown, label: &str) -> bool {
    shown.buttons.iter().any(|button| button == label)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chart_and_a_guide_in_slack() {
    let slack = SlackWorld::outside().await;
    let folder = tempfile::tempdir().unwrap();
    let platform = format!(
        "[slack]\napp_token = \"{APP_TOKEN}\"\nbot_token = \"{BOT_TOKEN}\"\napi_url = \"http://{}/api\"\n",
        slack.fake.address
    );
    let prometheus = prometheus();
    let mut watchbell = start(folder.path(), &platform, "slack = \"UANA\"", "slack = \"UBEN\"", &prometheus);
    until("the socket is open", || (!slack.fake.state().connections.is_empty()).then_some(())).await;
    let (ana, ops) = (slack.account("ana"), slack.room("ops"));
    slack.command(&ana, &ops, "/incident open P1 nobody can buy");
    let room = until("the room", || {
        let state = slack.fake.state();
        state.rooms.iter().find(|room| room.name.starts_with("inc-1")).map(|room| RoomId(room.id.clone()))
    })
    .await;

    // The room is known as the incident's when its card stands there.
    message(&slack, "its card", &room, |one| one.text.contains("nobody can buy")).await;
    slack.command(&ana, &room, "/shop look");
    let looked = message(&slack, "the end of the run", &room, |one| {
        one.only.is_none() && one.text.contains("The CPU: passed")
    });
    let looked = looked.await;
    assert!(looked.text.contains("10 … 49 %") && has(&looked, "the guide"), "{looked:?}");
    until("the picture", || (!slack.pictures(&room).is_empty()).then_some(())).await;
    assert_eq!(slack.pictures(&room), ["chart.png"]);
    let uploads: Vec<Vec<u8>> = slack.fake.state().uploads.values().map(|one| one.bytes.clone()).collect();
    assert!(uploads.len() == 1 && uploads[0].starts_with(b"\x89PNG"), "{}", uploads.len());
    message(&slack, "its words", &room, |one| one.text.contains("R-1 CPU is low, the last 3h: ▁")).await;
    assert_kept_beside(&watchbell, Channel::Slack);

    slack.command(&ana, &room, "/shop guide --since 2h");
    let guide =
        message(&slack, "the guide", &room, |one| has(one, "It is gone") && has(one, "It is slow")).await;
    assert!(
        guide.text.contains("Take the step that fits.") && guide.only.as_ref() == Some(&ana),
        "{guide:?}"
    );
    slack.press(&ana, &guide.message, "It is gone");
    let gone =
        message(&slack, "a step that is read", &room, |one| one.text.contains("systemctl status shop"));
    let gone = gone.await;
    assert!(has(&gone, "Next: It is slow") && has(&gone, "Back"), "{gone:?}");
    slack.press(&ana, &gone.message, "Next: It is slow");
    let tried =
        message(&slack, "a step that was tried", &room, |one| one.only.is_none() && one.text.contains(TRIED));
    let tried = tried.await;
    assert!(tried.text.contains("The CPU says why.") && tried.text.contains("49 %"), "{tried:?}");
    assert!(tried.text.contains("2h"), "what the guide was told goes on: {tried:?}");
    assert!(has(&tried, "the course") && has(&tried, "Back"), "{tried:?}");
    let said = shown(&watchbell);
    assert!(said.contains(STANDS) && said.contains("The CPU: passed (") && said.contains(TRIED), "{said}");
    assert_told(&watchbell);

    // The place outlives the process, and no picture comes a second time.
    slack.fake.state().connections.clear();
    watchbell.start_again();
    until("the socket is open again", || (!slack.fake.state().connections.is_empty()).then_some(())).await;
    assert!(shown(&watchbell).contains(STANDS));
    slack.press(&ana, &tried.message, "Back");
    let back = message(&slack, "the guide again", &room, |one| has(one, "Go on at: It is slow")).await;
    assert!(back.text.contains("It is slow: passed (R-2), ana"), "{back:?}");
    assert!(back.text.contains("It is gone: read"), "{back:?}");
    assert_eq!(slack.pictures(&room), ["chart.png"]);
    assert_eq!(slack.violations(), Vec::<String>::new());
}
