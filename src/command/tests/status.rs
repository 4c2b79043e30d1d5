//! `/status` when not all ways to people are open.

use jiff::SignedDuration;

use super::desk::Room;
use crate::{
    domain::{
        delivery::{Channel, DeliveryKind, Outcome},
        event::TraceId,
        id::DeliveryId,
        intent::Intent,
    },
    text::card::{Card, Tone},
};

async fn status(room: &Room) -> Card {
    room.say("ana", "/status").await.cards.remove(0)
}

fn field(card: &Card, name: &str) -> Option<String> {
    card.fields.iter().find(|one| one.name == name).map(|one| one.value.clone())
}

fn again(after: Option<SignedDuration>) -> Outcome {
    Outcome::TryAgain { after, why: "no answer: connection refused".into() }
}

#[tokio::test]
async fn a_lost_platform_and_a_silent_mail_server_are_said_with_since_when() {
    let room = Room::open();
    let quiet = status(&room).await;
    assert_eq!((quiet.tone, quiet.text.as_str()), (Tone::Good, ""), "{quiet:?}");
    let ways = room.desk.engine.ways();
    ways.heard(Channel::Discord, Some("Discord is not connected (the token was refused).".into()));
    ways.tried(Channel::Mail, &again(None));
    ways.tried(Channel::Mail, &again(None));
    let said = status(&room).await;
    assert_eq!(said.tone, Tone::Warning, "{said:?}");
    assert!(said.text.contains("/watchbell doctor"), "{}", said.text);
    let discord = field(&said, "Discord").unwrap();
    assert!(discord.contains("not heard since ") && discord.contains("token was refused"), "{discord}");
    let mail = field(&said, "Mail server").unwrap();
    for part in ["took nothing since ", ", 2 attempts, the last ", "connection refused"] {
        assert!(mail.contains(part), "{part}: {mail}");
    }
    ways.heard(Channel::Discord, None);
    ways.tried(Channel::Mail, &Outcome::Receipt("250 taken".into()));
    let well = status(&room).await;
    assert_eq!((well.tone, well.text.as_str()), (Tone::Good, ""), "{well:?}");
    assert_eq!((field(&well, "Discord"), field(&well, "Mail server")), (None, None));
}

#[tokio::test]
async fn pages_that_fail_are_counted_until_they_arrive() {
    let room = Room::open();
    room.say("ana", "/incident open P1 the database is down").await;
    let pages = room.desk.engine.read(|look| {
        let all = look.state.deliveries.values().filter(|one| one.kind == DeliveryKind::Page);
        all.map(|one| one.id).collect::<Vec<DeliveryId>>()
    });
    let page = pages.await.unwrap()[0];
    assert_eq!(field(&status(&room).await, "Pages that do not arrive"), None);
    let outcomes = [
        (again(None), Some("1 to ana by hook: failed once, tried again")),
        (again(None), Some("1 to ana by hook: failed up to 2 times, tried again")),
        (Outcome::Receipt("200 OK".into()), None),
    ];
    for ((outcome, expected), attempt) in outcomes.into_iter().zip(1..) {
        room.pass(SignedDuration::from_mins(1));
        let engine = &room.desk.engine;
        engine.submit(TraceId(1), Intent::Permit(page)).await.unwrap();
        engine.submit(TraceId(1), Intent::Outcome { delivery: page, attempt, outcome }).await.unwrap();
        let said = status(&room).await;
        assert_eq!(field(&said, "Pages that do not arrive").as_deref(), expected, "{said:?}");
        assert_eq!(said.tone, Tone::Critical, "{said:?}");
    }
}
