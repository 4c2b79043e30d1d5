//! Commands, buttons, lists, forms and what people do: acknowledged in time, completed in place, heard once.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tokio::sync::Notify;
use watchbell::{
    chat::port::{Act, Original, Said},
    text::{
        card::{Button, Form, Input, Select},
        discord as say,
    },
};

use super::{
    Reaction, World, card,
    fake::{ANA, GUILD, OPS, Out},
    ops, said, with_button,
};

fn open(title: &str) -> serde_json::Value {
    let severity = json!({ "name": "severity", "type": 3, "value": "P1" });
    let title = json!({ "name": "title", "type": 3, "value": title });
    json!({ "name": "incident", "type": 1, "options": [{ "name": "open", "type": 1, "options": [title, severity] }] })
}

fn form() -> Form {
    let input = Input {
        name: "text".into(),
        label: "Note".into(),
        hint: String::new(),
        value: String::new(),
        optional: false,
        long: true,
        choices: vec![],
    };
    Form {
        title: "Note".into(),
        send: "Send".into(),
        command: "/incident note INC-3 {text}".into(),
        inputs: vec![input],
    }
}

async fn acknowledged(world: &World, id: &str) -> u64 {
    world.fake.until("an acknowledgement", |state| state.interactions[id].acknowledged).await
}

#[tokio::test]
async fn a_quick_answer_is_the_acknowledgement() {
    let world = World::start().await;
    world.ear.says(said("Opened INC-1", true));
    let id = world.fake.command(ANA, open("database is down"));
    assert_eq!(acknowledged(&world, &id).await, 4);
    world.shows(OPS, "Opened INC-1", None).await;
    let heard = world.hears(1).await.remove(0);
    assert_eq!(heard.act, Act::Command("/incident open P1 database is down".into()));
    assert_eq!((&*heard.id, &*heard.account, &*heard.workspace), (&*id, ANA, GUILD));
    assert_eq!(heard.room.map(|room| room.name), Some("#ops".into()));
    world.keeps_the_rules();
}

#[tokio::test]
async fn a_slow_answer_completes_what_was_acknowledged() {
    let world = World::with(|options| options.timing.patience = Duration::from_millis(5)).await;
    for (to_all, first) in [(false, "Slow"), (true, say::ANSWERED_TO_ALL)] {
        let gate = Arc::new(Notify::new());
        let waits = Arc::clone(&gate);
        world.ear.answers(move |_| Reaction::After(Arc::clone(&waits), said("Slow", to_all)));
        let id = world.fake.command(ANA, open("x"));
        assert_eq!(acknowledged(&world, &id).await, 5);
        gate.notify_one();
        world.shows(OPS, first, Some(ANA)).await;
        if to_all {
            world.shows(OPS, "Slow", None).await;
        }
    }
    world.keeps_the_rules();
}

#[tokio::test]
async fn an_answer_after_the_window_is_an_ordinary_message() {
    let world = World::with(|options| {
        options.timing.patience = Duration::from_millis(2);
        options.timing.window = Duration::from_millis(20);
    })
    .await;
    let gate = Arc::new(Notify::new());
    let waits = Arc::clone(&gate);
    world.ear.answers(move |_| Reaction::After(Arc::clone(&waits), said("At last", false)));
    world.fake.command(ANA, open("x"));
    world.shows(OPS, say::TAKES_LONGER, Some(ANA)).await;
    gate.notify_one();
    world.shows(&format!("9{ANA}"), "At last", None).await;
    world.keeps_the_rules();
}

#[tokio::test]
async fn a_button_is_pressed_and_its_message_stays_or_is_replaced() {
    let world = World::start().await;
    let message = world.send(&ops(), &with_button("Down", "Ack", "/ack G-1")).await.unwrap();
    world.ear.says(said("Yours", false));
    world.fake.press(ANA, &message, "Ack");
    world.shows(OPS, "Yours", Some(ANA)).await;
    world.shows(OPS, "Down", None).await;
    world.ear.says(Said { original: Original::Replaced, ..said("Acknowledged", true) });
    let id = world.fake.press(ANA, &message, "Ack");
    assert_eq!(acknowledged(&world, &id).await, 7);
    assert_eq!(world.shows(OPS, "Acknowledged", None).await, message);
    let heard = world.hears(2).await;
    assert_eq!(heard[1].act, Act::Press { command: "/ack G-1".into(), message: Some(message) });
    world.keeps_the_rules();
}

#[tokio::test]
async fn a_choice_of_a_list_is_its_command_and_silence_is_an_answer() {
    let world = World::start().await;
    let choices = vec![Button::new("High", "/incident severity INC-1 P1")];
    let mut wanted = card("Severity?");
    wanted.selects = vec![Select { label: "Severity".into(), choices }];
    let message = world.send(&ops(), &wanted).await.unwrap();
    let id = world.fake.press(ANA, &message, "High");
    assert_eq!(acknowledged(&world, &id).await, 6);
    assert!(
        matches!(&world.hears(1).await[0].act, Act::Press { command, .. } if command == "/incident severity INC-1 P1")
    );
    world.keeps_the_rules();
}

#[tokio::test]
async fn a_form_opens_at_once_or_by_a_button_and_comes_back_filled_in() {
    let world = World::with(|options| options.timing.patience = Duration::from_millis(5)).await;
    let mut asks = with_button("Down", "Note", "/incident note INC-3");
    asks.buttons[0].form = Some(form());
    let message = world.send(&ops(), &asks).await.unwrap();
    world.fake.press(ANA, &message, "Note");
    world.fake.until("a form", |state| state.forms.get(ANA).map(drop)).await;
    world.ear.says(said("Noted", false));
    world.fake.submit(ANA, &[("text", "it is the disk")]);
    world.shows(OPS, "Noted", Some(ANA)).await;
    let Act::Submit { command, values } = world.hears(1).await.remove(0).act else { panic!("no form") };
    assert_eq!((&*command, &*values["text"]), ("/incident note INC-3 {text}", "it is the disk"));

    // One that the ear asks for too late to be opened directly.
    let gate = Arc::new(Notify::new());
    let waits = Arc::clone(&gate);
    let asks = Said { form: Some(form()), ..Said::default() };
    world.ear.answers(move |_| Reaction::After(Arc::clone(&waits), asks.clone()));
    let id = world.fake.command(ANA, open("x"));
    acknowledged(&world, &id).await;
    gate.notify_one();
    let message = world.shows(OPS, say::FILL_IN, Some(ANA)).await;
    world.fake.press(ANA, &message, say::OPEN_FORM);
    world.fake.until("a form", |state| state.forms.get(ANA).map(drop)).await;
    world.keeps_the_rules();
}

#[tokio::test]
async fn a_form_that_nobody_knows_any_more_says_so() {
    let world = World::with(|options| options.timing.form = Duration::ZERO).await;
    let mut long = form();
    long.command = format!("/incident note INC-3 {} {{text}}", "x".repeat(100));
    world.ear.says(Said { form: Some(long), ..Said::default() });
    world.fake.command(ANA, open("x"));
    world.fake.until("a form", |state| state.forms.get(ANA).map(drop)).await;
    world.fake.submit(ANA, &[("text", "x")]);
    world.shows(OPS, say::FORM_EXPIRED, Some(ANA)).await;
    world.keeps_the_rules();
}

#[tokio::test]
async fn what_waited_while_the_connection_was_down_is_done_only_if_it_can_still_be_answered() {
    let world = World::start().await;
    world.fake.line(Out::Cut);
    world.fake.state().line = None;
    let id = world.fake.command(ANA, open("late"));
    world.fake.state().interactions.get_mut(&id).unwrap().acknowledged = Some(4);
    world.fake.fail(
        &format!("POST /interactions/{id}"),
        404,
        json!({ "code": 10_062, "message": "Unknown interaction" }),
    );
    world.shows(&format!("9{ANA}"), say::CAME_TOO_LATE, None).await;
    assert!(world.ear.heard().is_empty());
    world.fake.line(Out::Cut);
    world.fake.state().line = None;
    world.ear.says(said("In time", false));
    world.fake.command(ANA, open("in time"));
    world.shows(OPS, "In time", Some(ANA)).await;
    world.keeps_the_rules();
}

#[tokio::test]
async fn an_acknowledgement_survives_a_stumble() {
    let world = World::start().await;
    world.ear.says(said("Done it", false));
    world.fake.fail("POST /interactions", 502, json!("<html>"));
    world.fake.command(ANA, open("x"));
    world.shows(OPS, "Done it", Some(ANA)).await;
    world.keeps_the_rules();
}

#[tokio::test]
async fn what_is_typed_is_completed() {
    let world = World::start().await;
    let focused = json!({ "name": "title", "type": 3, "value": "data", "focused": true });
    world.fake.types(
        ANA,
        json!({ "name": "incident", "options": [{ "name": "open", "type": 1, "options": [focused] }] }),
    );
    let found = world.fake.until("suggestions", |state| state.suggestions.first().cloned()).await;
    assert_eq!(found, json!({ "name": "/incident open data", "value": "data!" }));
    world.keeps_the_rules();
}

#[tokio::test]
async fn words_after_the_name_are_answered_to_their_writer_or_to_all() {
    let world = World::start().await;
    world.ear.says(said("For you", false));
    world.fake.write(ANA, OPS, "<@110000000000000100> oncall now");
    world.shows(&format!("9{ANA}"), "For you", None).await;
    world.ear.says(said("For all", true));
    world.fake.write(ANA, OPS, "<@110000000000000100> /status");
    world.shows(OPS, "For all", None).await;
    let acts: Vec<Act> = world.hears(2).await.into_iter().map(|heard| heard.act).collect();
    assert_eq!(acts, [Act::Command("/oncall now".into()), Act::Command("/status".into())]);
    world.keeps_the_rules();
}
