//! `/me` and its family: who somebody is, and how a chat account becomes theirs.

use jiff::{SignedDuration, tz::TimeZone};

use super::desk::{Room, config, start};
use crate::{
    command::{Account, Caller, Known, Reply, run},
    domain::{
        delivery::Channel,
        event::{Actor, TraceId},
        id::PersonId,
        link::Code,
        permission::Strangers,
        person::NotificationRule,
    },
};

/// ana and eve are on no platform; ben is on Discord by the configuration.
fn room() -> Room {
    let mut config = config();
    config.platforms = [(Channel::Slack, None), (Channel::Discord, None)].into();
    for person in config.people.values_mut() {
        person.contacts.push(("chat".into(), Channel::Chat));
    }
    let ana = config.people.get_mut("ana").unwrap();
    let rule = |after: i64, contacts: &[&str]| NotificationRule {
        after: SignedDuration::from_mins(after),
        contacts: contacts.iter().map(|&contact| contact.into()).collect(),
    };
    ana.urgent = vec![rule(0, &["chat", "hook"]), rule(2, &["hook"])];
    config.people.get_mut("ben").unwrap().contacts.push(("discord".into(), Channel::Discord));
    Room::with(config)
}

/// The code that every desk with this salt gives out.
fn code() -> String {
    Code::new([7; 16]).shown()
}

/// What somebody says from a Slack account; `person`: whose it is, and by what.
async fn say(
    room: &Room,
    account: &str,
    person: Option<(&str, Known)>,
    bot: Option<bool>,
    text: &str,
) -> Reply {
    let known = person.map_or(Known::Nobody, |(_, known)| known);
    let mut caller = match person {
        Some((person, _)) => Caller::person(&PersonId::from(person), &room.config).unwrap(),
        None => {
            let actor = Actor::Person(format!("slack:{account}").into());
            Caller { actor, zone: TimeZone::UTC, proven: false, origin: None, account: None, token: None }
        }
    };
    let may_look = room.config.strangers.get(&Channel::Slack).copied().unwrap_or_default() == Strangers::Look;
    // What a platform says of somebody is outside words like any others.
    let name = bot.map(|_| "Zoe\u{202E} Quill *boss*".to_owned());
    let (channel, id, has_mail) = (Channel::Slack, account.into(), account == "UMAILED");
    caller.account = Some(Account { channel, id, known, bot, name, has_mail, may_look });
    run(&room.desk, caller, None, text, TraceId(0)).await.unwrap()
}

#[tokio::test]
async fn me_says_whom_watchbell_takes_somebody_for() {
    let room = room();
    insta::assert_snapshot!(room.said("ana", "/me").await);
    assert!(room.said("ben", "/me").await.contains("by the configuration"));
    assert!(room.said("operator", "/me").await.contains("local operator"));
    let by_mail = say(&room, "UMAIL", Some(("eve", Known::Mail)), Some(false), "/me").await;
    assert!(by_mail.text.contains("by your mail address"), "{}", by_mail.text);
    let stranger = say(&room, "UX", None, Some(false), "/me").await;
    assert!(stranger.ok && stranger.text.contains("slack = \"UX\""), "{}", stranger.text);
    assert!(stranger.text.contains("/watchbell me link CODE"), "{}", stranger.text);
    let said = |part: &str, text: &str| assert!(text.contains(part), "{part}: {text}");
    said("Slack says", &stranger.text);
    said("Quill", &stranger.text);
    assert!(!stranger.text.contains('\u{202E}') && !stranger.text.contains("mail"), "{}", stranger.text);
    let mailed = say(&room, "UMAILED", None, Some(false), "/me").await;
    said("none of anybody's contacts", &mailed.text);
    let silent = say(&room, "UX", None, None, "/me").await;
    said("did not say", &silent.text);
    said("slack = \"UX\"", &silent.text);
    let bot = say(&room, "UX", None, Some(true), "/me").await;
    said("a bot", &bot.text);
    assert!(!bot.text.contains("link CODE"), "a bot is nobody: {}", bot.text);
}

#[tokio::test]
async fn an_account_becomes_somebodys_by_a_code_and_nobodys_again() {
    let room = room();
    let given = room.say("ana", "/me link").await;
    assert!(given.ok && !given.public && given.text.contains(&code()), "{}", given.text);
    assert!(given.text.contains("/watchbell me link") && given.text.contains("10:10 CET"), "{}", given.text);
    let taken = say(&room, "UX", None, Some(false), &format!("/me link {}", code().to_lowercase())).await;
    assert!(taken.ok && !taken.public && taken.text.contains("is ana"), "{}", taken.text);
    assert!(!taken.text.contains(&code()));
    assert!(room.said("ana", "/me").await.contains("by a code, since 2026-01-05 10:00 CET"));
    // Others may not untie it; she may, and an admin may.
    let refused = room.said("ben", "/me unlink slack ana").await;
    assert!(refused.starts_with("refused") && refused.contains("admin"), "{refused}");
    assert!(room.said("ana", "/me").await.contains("by a code"));
    assert!(room.said("ana", "/me unlink slack").await.starts_with("done"));
    assert!(!room.said("ana", "/me").await.contains("by a code"));
    assert!(room.said("ana", "/me unlink slack").await.contains("No Slack account of ana"));
    room.say("eve", "/me link").await;
    assert!(say(&room, "UY", None, Some(false), &format!("/me link {}", code())).await.ok);
    assert!(room.said("ana", "/me unlink slack eve").await.starts_with("done"));
}

#[tokio::test]
async fn what_cannot_be_tied_is_refused_in_clear_words_and_the_code_stays_good() {
    let room = room();
    room.say("ana", "/me link").await;
    let right = format!("/me link {}", code());
    let refused = |reply: Reply, words: &str| {
        assert!(!reply.ok && reply.text.contains(words), "{words}: {}", reply.text);
        assert!(!reply.text.contains(&code()), "{}", reply.text);
    };
    refused(room.say("ana", &right).await, "used on Slack or Discord");
    refused(room.say("operator", "/me link").await, "--as ana");
    refused(room.say("operator", "/me unlink slack").await, "--as ana");
    refused(say(&room, "UX", None, Some(false), "/me link").await, "people whom Watchbell knows");
    refused(say(&room, "UBOT", None, Some(true), &right).await, "A bot's account");
    refused(say(&room, "UX", None, None, &right).await, "does not say at this moment");
    refused(say(&room, "UX", None, Some(false), "/me link 1234").await, "can be no code");
    refused(
        say(&room, "UX", None, Some(false), "/me link 0000-0000-0000").await,
        "wrong, used up or too old",
    );
    refused(
        say(&room, "UBEN", Some(("ben", Known::Configuration)), None, &right).await,
        "by the configuration",
    );
    assert!(say(&room, "UX", None, Some(false), &right).await.ok, "the code is still good");
    refused(say(&room, "UY", None, Some(false), &right).await, "wrong, used up or too old");
}

#[tokio::test]
async fn strangers_who_may_nothing_can_still_become_known() {
    let mut config = (*room().config).clone();
    config.strangers = [(Channel::Slack, Strangers::Nothing)].into();
    let room = Room::with(config);
    room.say("ana", "/me link").await;
    for text in ["/incident list", "/help", "/nonsense", "/oncall now anna", "", "/me unlink slack", "/alert"]
    {
        let reply = say(&room, "UX", None, Some(false), text).await;
        assert!(!reply.ok && reply.text.contains("You may do nothing here"), "{text}: {}", reply.text);
        assert!(!reply.text.contains("primary"), "{text}: {}", reply.text);
    }
    assert!(say(&room, "UX", None, Some(false), "/watchbell me").await.ok);
    assert!(say(&room, "UX", None, Some(false), &format!("/me link {}", code())).await.ok);
    // Known people are no strangers, and the terminal has none.
    assert!(say(&room, "UX", Some(("ana", Known::Link)), Some(false), "/incident list").await.ok);
    assert!(room.say("eve", "/incident list").await.ok);
    assert_eq!(start(), room.desk.engine.read(|look| look.now.civil).await.unwrap());
}
