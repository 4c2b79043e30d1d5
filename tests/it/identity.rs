//! Accounts that become people's by a one-time code, with a virtual clock: who is believed, for how long, and what
//! follows for pages and rooms. Never waits.

use std::sync::Arc;

use jiff::SignedDuration;
use watchbell::domain::{
    alert::AlertStatus::Firing,
    delivery::{Channel, DeliveryKind, Outcome},
    event::{Actor, Event},
    id::PageId,
    intent::{IncidentIntent, Intent, Refusal, Whom},
    link::{Code, LinkIntent, NoLink},
    page::Target,
    prose::Prose,
    room::RoomWork,
};

use crate::world::{World, address, config, receipt, report, signal};

fn secs(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

fn by(person: &str) -> Actor {
    Actor::Person(person.into())
}

fn code(number: u8) -> Code {
    Code::new([number; 16])
}

fn offer(world: &mut World, person: &str, number: u8) {
    let offer = LinkIntent::Offer { person: person.into(), code: code(number), salt: [number; 16] };
    world.want(Intent::Link(offer)).unwrap();
}

fn gives(world: &mut World, account: &str, number: u8, named: Option<&str>) -> Result<Vec<Event>, Refusal> {
    let (channel, account, named) = (Channel::Slack, account.to_owned(), named.map(Into::into));
    let give = LinkIntent::Use { channel, account, code: code(number), named };
    world.want(Intent::Link(give)).map(|accepted| accepted.events)
}

/// Whose account it is by a code.
fn whose(world: &World, account: &str) -> Option<String> {
    let person = world.state().linked_person(&world.config, Channel::Slack, account);
    person.map(ToString::to_string)
}

fn linked(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event, Event::AccountLinked { .. }))
}

/// eli is on no platform; everybody else is on Slack by the configuration.
fn world() -> World {
    World::with(config::on_platforms())
}

#[test]
fn a_code_is_good_once_for_ten_minutes_of_engine_time_and_only_the_last_one() {
    // What is done, in order, after eli got code 1; and whether account UX is his in the end.
    type Step = fn(&mut World);
    let cases: [(&str, &[Step], bool); 7] = [
        ("at once", &[], true),
        ("just in time", &[|world| world.pass(secs(599), receipt)], true),
        ("too late", &[|world| world.pass(secs(600), receipt)], false),
        ("the wall clock does not matter", &[|world| world.offset = secs(86_400)], true),
        ("a newer one was given", &[|world| offer(world, "eli", 2)], false),
        ("it was used", &[|world| assert!(linked(&gives(world, "UY", 1, None).unwrap()))], false),
        ("over a crash", &[World::crash], true),
    ];
    for (what, steps, expected) in cases {
        let mut world = world();
        offer(&mut world, "eli", 1);
        for step in steps {
            step(&mut world);
        }
        let events = gives(&mut world, "UX", 1, None).unwrap();
        assert_eq!(linked(&events), expected, "{what}: {events:?}");
        assert_eq!(whose(&world, "UX").is_some(), expected, "{what}");
    }
}

#[test]
fn after_five_wrong_codes_an_account_waits_and_others_do_not() {
    let mut world = world();
    offer(&mut world, "eli", 1);
    for _ in 0..5 {
        let events = gives(&mut world, "UX", 9, None).unwrap();
        assert!(matches!(events.as_slice(), [Event::LinkFailed { .. }]), "{events:?}");
        world.pass(secs(60), receipt);
    }
    let seq = world.state().seq;
    let refused = gives(&mut world, "UX", 1, None);
    assert!(matches!(refused, Err(Refusal::Link(NoLink::Guessed { .. }))), "also the right one: {refused:?}");
    assert_eq!(world.state().seq, seq, "nothing has changed");
    world.crash();
    assert!(gives(&mut world, "UX", 1, None).is_err(), "it is remembered over a crash");
    assert!(linked(&gives(&mut world, "UOTHER", 1, None).unwrap()), "another account may");
    // The first wrong one is ten minutes old: one more may be tried.
    world.pass(secs(300), receipt);
    offer(&mut world, "eli", 2);
    assert!(linked(&gives(&mut world, "UX", 2, None).unwrap()));
}

#[test]
fn an_account_is_one_person_and_the_configuration_counts_more_than_a_code() {
    let mut world = world();
    offer(&mut world, "eli", 1);
    let refusal = |found: Result<Vec<Event>, Refusal>| match found {
        Err(Refusal::Link(why)) => why,
        other => panic!("{other:?}"),
    };
    let (channel, eli) = (Channel::Slack, || "eli".into());
    let named = refusal(gives(&mut world, "UANA", 1, Some("ana")));
    assert_eq!(named, NoLink::Named { channel, person: "ana".into() });
    // ana has an account by the configuration: no other one becomes hers.
    offer(&mut world, "ana", 2);
    assert_eq!(
        refusal(gives(&mut world, "UX", 2, None)),
        NoLink::HasAccount { channel, person: "ana".into() }
    );
    assert!(linked(&gives(&mut world, "UX", 1, None).unwrap()), "a refusal does not use the code up");
    // The same account again, and for somebody else.
    offer(&mut world, "eli", 3);
    assert_eq!(
        refusal(gives(&mut world, "UX", 3, None)),
        NoLink::Taken { channel, person: eli(), same: true }
    );
    // Another account takes the place of the first.
    let events = gives(&mut world, "UNEW", 3, None).unwrap();
    assert!(linked(&events) && whose(&world, "UX").is_none());
    assert_eq!(whose(&world, "UNEW").as_deref(), Some("eli"));
    // Untied, it is nobody's; and there is nothing left to untie.
    let end = |world: &mut World| {
        world.want(Intent::Link(LinkIntent::End {
            person: "eli".into(),
            channel: Channel::Slack,
            by: by("ana"),
        }))
    };
    end(&mut world).unwrap();
    assert_eq!(whose(&world, "UNEW"), None);
    assert_eq!(end(&mut world).unwrap_err(), Refusal::Link(NoLink::None { channel, person: eli() }));
}

#[test]
fn a_later_configuration_counts_more_and_whoever_leaves_it_loses_the_account() {
    let mut world = world();
    offer(&mut world, "eli", 1);
    gives(&mut world, "UX", 1, None).unwrap();
    let original = Arc::clone(&world.config);
    let mut come = |change: &dyn Fn(&mut watchbell::domain::config::Config)| {
        let mut config = (*original).clone();
        change(&mut config);
        world.config = Arc::new(config);
        world.core.configure(Arc::clone(&world.config));
        world
            .want(Intent::Configured {
                release: "0".into(),
                instance: "x".into(),
                by: None,
                changes: Vec::new(),
            })
            .unwrap();
        (whose(&world, "UX"), world.state().links.accounts.len())
    };
    let with_account = come(&|config| {
        config.people.get_mut("eli").unwrap().contacts.push(("slack".into(), Channel::Slack));
    });
    assert_eq!(with_account, (None, 1), "he has another account now; the tie rests");
    assert_eq!(come(&|_| {}).0.as_deref(), Some("eli"), "and counts again when it is gone");
    assert_eq!(come(&|config| drop(config.people.remove("eli"))), (None, 0));
    assert_eq!(come(&|_| {}), (None, 0), "somebody else of that name does not get it");
}

#[test]
fn a_tied_account_is_paged_invited_and_told_of_the_end() {
    let mut world = world();
    let page = |world: &mut World| {
        let reason = Prose::new("help", [0; 16]);
        let whom = Whom::Person("eli".into());
        world.want(Intent::Page { whom, reason, by: by("ana") }).unwrap();
        world.pass(secs(301), receipt);
        let pages = world.sent.iter().filter(|sent| sent.delivery.kind == DeliveryKind::Page);
        let of = |sent: &crate::world::Sent| {
            let linked: Vec<&String> = sent.linked.values().collect();
            format!("{} {:?} {linked:?}", address(&sent.delivery.to), sent.delivery.channel)
        };
        let all: Vec<String> = pages.map(of).collect();
        world.sent.clear();
        // What was planned before goes as it was planned: the next one begins anew.
        let running: Vec<PageId> = world.state().pages.keys().copied().collect();
        for page in running {
            world.want(Intent::Acknowledge { target: Target::Page(page), by: by("eli") }).unwrap();
        }
        all
    };
    let before = page(&mut world);
    assert!(before.contains(&"eli chat Chat []".to_owned()), "{before:?}");
    offer(&mut world, "eli", 1);
    gives(&mut world, "UX", 1, None).unwrap();
    world.crash();
    let after = page(&mut world);
    assert!(after.contains(&"eli slack Slack [\"UX\"]".to_owned()), "{after:?}");
    assert!(!after.iter().any(|one| one.contains("Chat")), "{after:?}");
}

#[test]
fn whoever_ties_an_account_comes_into_the_rooms_that_are_open() {
    let mut world = world();
    let makes = |delivery: &watchbell::domain::delivery::Delivery| match &delivery.room {
        Some(RoomWork::Open { .. }) => Outcome::Posted { receipt: "made".into(), message: "C1".into() },
        _ => Outcome::Receipt("200 OK".into()),
    };
    let starts_at = world.now().civil;
    let labels = &[("alertname", "Down"), ("service", "qflow"), ("severity", "critical")];
    world.want(Intent::Report(report(vec![signal(Firing, labels, starts_at)]))).unwrap();
    world.pass(secs(60), makes);
    let lead = IncidentIntent::Assign { incident: "INC-1".parse().unwrap(), to: "eli".into() };
    world.want(Intent::Incident { what: lead, by: by("ana") }).unwrap();
    world.pass(secs(60), makes);
    let invited = |world: &World| -> Vec<String> {
        let all =
            world.sent.iter().filter(|sent| matches!(sent.delivery.room, Some(RoomWork::Invite { .. })));
        all.flat_map(|sent| sent.linked.values().cloned()).collect()
    };
    assert_eq!(invited(&world), Vec::<String>::new());
    for (number, account) in [(1, "UX"), (2, "UNEW")] {
        offer(&mut world, "eli", number);
        gives(&mut world, account, number, None).unwrap();
        world.pass(secs(1), makes);
    }
    assert_eq!(invited(&world), ["UX", "UNEW"]);
}

#[test]
fn no_code_stands_in_the_journal() {
    let mut world = world();
    offer(&mut world, "eli", 1);
    gives(&mut world, "UX", 2, None).unwrap();
    gives(&mut world, "UX", 1, None).unwrap();
    let journal = serde_json::to_string(&world.records()).unwrap();
    let bare = |number| code(number).shown().replace('-', "");
    for secret in [code(1).shown(), code(2).shown(), bare(1), bare(2)] {
        assert!(!journal.contains(&secret), "{secret}: {journal}");
    }
}
